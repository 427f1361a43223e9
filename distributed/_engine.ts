/**
 * What carries messages between a program and its agents. It may lose, repeat and reorder all of them, and be away for a while:
 * the program alone decides what is done with its tasks, so that nothing depends on the engine but how long it takes.
 *
 * @module
 */

/** The other side of a request is gone, for certain: nothing listens there. Silence says less. */
export class NobodyError extends Error {}

/** The queue has no room for another task. */
export class QueueFullError extends Error {}

/** A task as an agent gets it. */
export interface Delivery {
  readonly bytes: Uint8Array;
  /** The agent has it, or no agent needs it any more: the engine forgets it. */
  done(): void;
  /** The agent is not done with it yet: no other is to have it for some more seconds. */
  keep(): void;
  /** Another agent is to have it. */
  giveBack(): void;
}

/** Takes tasks from the queue for an agent. */
export interface Taking {
  /** Asks for so many more. A delivery answers each, sooner or later, or is asked for again. */
  ask(count: number): void;
  /** Takes no more; what comes nevertheless is given back. */
  stop(): void;
}

/** Answers a message. `undefined`: there is no answer. */
export type Answering = (bytes: Uint8Array) => Uint8Array | undefined | void | Promise<Uint8Array | undefined>;

/** A connection, for one fleet: whether the other side is there, and messages to names. */
export interface Link {
  /** Where it is, without secrets, for messages. */
  readonly place: string;
  /** The most bytes that a message may have. */
  readonly maxBytes: number;
  /** Since when it has been away, on the clock of `performance.now`; `undefined`: it is there. */
  readonly awaySince: number | undefined;
  /** When it was there again last, as far as this side knows: others may yet be on their way back. */
  readonly backSince: number;
  /** Whether this side has ended the connection. */
  readonly isClosed: boolean;
  /** Finds out whether it is there: one that stands still is away as well. */
  probe(): Promise<boolean>;
  /** Makes what the fleet needs there anew, where it is gone. */
  restore(): Promise<void>;
  /**
   * Calls `hear` when it is there again: what was sent meanwhile may be lost, and so may be what it had.
   * Returns what ends that.
   */
  onBack(hear: () => void): () => void;
  /** Calls `hear` once when it is gone for good, with the reason. Not after {@linkcode Link.close}. */
  onGone(hear: (error: Error) => void): void;
  /** Sends a message to a name. */
  tell(to: string, bytes: Uint8Array): void;
  /** Resolves when all that was sent has reached the other side. */
  flush(): Promise<void>;
  /** Ends the connection. */
  close(): Promise<void>;
}

/** What carries tasks. */
export interface Engine extends Link {
  /**
   * Puts a task of a program into the queue. Resolves with its place there. The key is that of this time: a task may be put there
   * again.
   *
   * @throws {QueueFullError} If there is no room.
   */
  putTask(driver: string, bytes: Uint8Array, key: string): Promise<number>;
  /** Whether what was put there by that key is in the queue, or with an agent that has not said that it is done. */
  hasTask(place: number, key: string): Promise<boolean>;
  /** Takes a task out of the queue, if it is there. */
  removeTask(place: number): Promise<void>;
  /** Takes tasks of all programs. */
  takeTasks(hear: (delivery: Delivery) => void): Taking;
  /**
   * Sends a message to a name and waits for the answer.
   *
   * @throws {NobodyError} If there is certainly nothing that listens under that name.
   */
  request(to: string, bytes: Uint8Array, timeout: number): Promise<Uint8Array>;
  /** Answers messages to a name. */
  answer(name: string, reply: Answering): void;
}
