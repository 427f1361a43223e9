/**
 * The engine carries messages between a program and its agents. It may lose, repeat and reorder them, and be away for a
 * while. Only the program decides about its tasks, so the engine affects how long they take and nothing else.
 *
 * @module
 */

/** The other side of a request is certainly gone: nothing listens under its name. Mere silence proves less. */
export class NotListeningError extends Error {}

/** The queue has no room for another task. */
export class QueueFullError extends Error {}

/** A task as an agent receives it. */
export interface Delivery {
  readonly bytes: Uint8Array;
  /** The engine forgets the task: the agent has it, or no agent needs it any more. */
  done(): void;
  /** The agent is not done with it yet: for some more seconds the engine gives it to no other agent. */
  keep(): void;
  /** The engine gives the task to another agent. */
  giveBack(): void;
}

/** Takes messages from a queue: tasks for an agent, or items for getters. */
export interface Taking {
  /** Asks for this many more. Each is eventually answered by a delivery, or asked for again. */
  ask(count: number): void;
  /** Takes no more. Messages that still arrive are given back. */
  stop(): void;
}

/** Answers a message; `undefined`: no answer is sent. */
export type Answering = (bytes: Uint8Array) => Uint8Array | undefined | void | Promise<Uint8Array | undefined>;

/** A connection for one fleet: whether the other side is there, and messages to names. */
export interface Link {
  /** The address without secrets, for error messages. */
  readonly place: string;
  /** The largest message: bytes. */
  readonly maxBytes: number;
  /** Since when the other side has been away, on the clock of `performance.now`; `undefined`: it is there. */
  readonly awaySince: number | undefined;
  /**
   * When the other side last came back, as far as this side knows. Agents and programs may still be on their way back.
   */
  readonly backSince: number;
  /** Whether this side has closed the connection. */
  readonly isClosed: boolean;
  /** Finds out whether the other side answers. A frozen server counts as away. */
  probe(): Promise<boolean>;
  /** Creates what the fleet needs on the server again, if it is gone. */
  restore(): Promise<void>;
  /**
   * Calls `hear` when the other side is there again. Messages sent meanwhile may be lost, and so may all that it kept.
   * Returns a function that ends that.
   */
  onBack(hear: () => void): () => void;
  /** Calls `hear` once, with the reason, when the connection is gone for good. Not after {@linkcode Link.close}. */
  onGone(hear: (error: Error) => void): void;
  /** Sends a message to a name. It may be lost. */
  tell(to: string, bytes: Uint8Array): void;
  /** Resolves when all sent messages have reached the other side. */
  flush(): Promise<void>;
  /** Closes the connection. */
  close(): Promise<void>;
}

/** A connection that carries tasks. */
export interface Engine extends Link {
  /**
   * Puts a task of a program into the queue. Resolves with its place there. Each attempt to put a task has its own key:
   * with the same key, the engine would drop a task that is put again.
   *
   * @throws {QueueFullError} If there is no room.
   */
  putTask(driver: string, bytes: Uint8Array, key: string): Promise<number>;
  /**
   * Whether the task that was put with this key is still in the queue, or with an agent that has not acknowledged it.
   */
  hasTask(place: number, key: string): Promise<boolean>;
  /** Removes a task from the queue if it is there. */
  removeTask(place: number): Promise<void>;
  /** Takes tasks of all programs from the queue. */
  takeTasks(hear: (delivery: Delivery) => void): Taking;
  /**
   * Sends a message to a name and waits for the answer.
   *
   * @throws {NotListeningError} If certainly nothing listens under that name.
   */
  request(to: string, bytes: Uint8Array, timeout: number): Promise<Uint8Array>;
  /** Answers messages to a name. */
  answer(name: string, reply: Answering): void;
}
