/**
 * Pairs of connections: what one end sends, the other receives.
 *
 * What a thread has of an end, and how a message is given and taken, is in _internal/processes/pipe_end.ts; waiting, and what
 * callers are told, is here.
 *
 * @module
 */

import { BrokenPipeError, EOFError, InvalidStateError, TimeoutError } from "../_internal/errors.ts";
import { CONNECTION } from "../_internal/memory/kinds.ts";
import {
  isArriving,
  type Place,
  placeOf,
  registerProcessClass,
  SharedHandle,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { noRoom } from "../_internal/memory/space.ts";
import { type Wait, waitSync } from "../_internal/memory/wait.ts";
import { LOOK } from "../_internal/memory/wait_point.ts";
import { show, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import { processSpace } from "../_internal/processes/process_memory.ts";
import { createPipe, GET_POINT, PUT_POINT } from "../_internal/processes/pipe.ts";
import { BROKEN, CONNECTION_WORDS, End, ENDED, NewEnd, NOT_BYTES, SENT } from "../_internal/processes/pipe_end.ts";
import { Message } from "../_internal/queue/message.ts";
import { importingModule } from "../_internal/runtime/this_thread.ts";

const SEND = "send through connection";
const RECEIVE = "receive from connection";
const POLL = "poll connection";

const outgoing = new Message();
const incoming = new Message();

/**
 * One end of a {@linkcode Pipe}: sends messages to the other end, receives what the other end sent.
 *
 * Messages are whole, and any number of processes and threads may send and receive at the same end: each message is
 * received once. Values are copied as by `structuredClone`; the objects of this module are shared, so connections can be
 * sent through connections. 64 KiB and more are buffered; what is larger waits in memory of its own until the receiver
 * has room for it.
 *
 * An end is held by each thread that received it or used it; making a pipe and passing its ends on does not count. When the
 * last holder of an end has closed it or has ended, in whatever way, the other end receives what was sent and then gets
 * {@linkcode EOFError}, and {@linkcode BrokenPipeError} when it sends. So a parent need not close the end that it gave away.
 *
 * Python: `multiprocessing.connection.Connection`.
 *
 * @example
 * ```ts
 * import { type Connection, Pipe, Process } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function answer(connection: Connection): void {
 *   connection.sendSync({ hello: connection.recvSync() });
 * }
 *
 * if (import.meta.main) {
 *   const [here, there] = Pipe();
 *   const child = new Process({ target: answer, args: [there] }).start();
 *   await here.send("parent");
 *   assertEquals(await here.recv(), { hello: "parent" });
 *   await child.join();
 * }
 * ```
 *
 * @typeParam T What is received.
 */
export class Connection<T = unknown> extends SharedHandle {
  readonly #place: Place = placeOf(this);
  /** `undefined` where the connection was made while a worker imports a module. */
  readonly #end: End | undefined;

  /**
   * Not for programs: connections come in pairs, from {@linkcode Pipe}.
   *
   * @param made An end, as `Pipe` makes it.
   * @throws {TypeError} If a program calls it.
   */
  constructor(made: object) {
    const arrives = isArriving();
    if (!arrives && !(made instanceof NewEnd)) {
      throw new TypeError("Cannot create connection as connections come in pairs: use Pipe()");
    }
    super(new.target, undefined, () => ({
      action: "create connection",
      kind: CONNECTION,
      words: CONNECTION_WORDS,
      initialize: (words, at) => (made as NewEnd).initialize(words, at),
    }));
    if (this.#place.at >= 0) this.#end = new End(this, this.#place, arrives);
  }

  /**
   * Sends a value; waits, without blocking the event loop, while the buffer is full. The value is copied before this
   * returns its promise.
   *
   * @throws {BrokenPipeError} If no thread holds the other end any more.
   * @throws {TypeError} If this end only receives, or a thread's object is in the value.
   * @throws {DOMException} `DataCloneError`, if the value cannot be copied: it names the path. Nothing is sent.
   * @throws {RangeError} If the shared memory has no room for it. Nothing is sent.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first. Nothing is sent.
   */
  async send(value: unknown, options?: WaitOptions): Promise<void> {
    const end = this.#sender();
    const timeout = validateWait(options, SEND);
    options?.signal?.throwIfAborted();
    await this.#send(end, messageOf(end, value), timeout, options?.signal);
  }

  /**
   * Sends a value; blocks this thread while the buffer is full.
   *
   * @throws As {@linkcode Connection.send}.
   */
  sendSync(value: unknown, options?: WaitSyncOptions): void {
    const end = this.#sender();
    const timeout = validateWait(options, SEND);
    this.#sendSync(end, messageOf(end, value), timeout);
  }

  /**
   * Sends bytes, without the cost of encoding them. {@linkcode Connection.recvBytes} gets them as they are.
   *
   * @throws As {@linkcode Connection.send}; `TypeError` also if it is not bytes.
   */
  async sendBytes(bytes: ArrayBuffer | ArrayBufferView, options?: WaitOptions): Promise<void> {
    const end = this.#sender();
    const timeout = validateWait(options, SEND);
    options?.signal?.throwIfAborted();
    await this.#send(end, messageOfBytes(end, bytes), timeout, options?.signal);
  }

  /**
   * Sends bytes; blocks this thread while the buffer is full.
   *
   * @throws As {@linkcode Connection.sendBytes}.
   */
  sendBytesSync(bytes: ArrayBuffer | ArrayBufferView, options?: WaitSyncOptions): void {
    const end = this.#sender();
    const timeout = validateWait(options, SEND);
    this.#sendSync(end, messageOfBytes(end, bytes), timeout);
  }

  /**
   * Receives the next message; waits for one without blocking the event loop. What was sent as bytes is a `Uint8Array`.
   *
   * @throws {EOFError} If there is none and no thread holds the other end any more.
   * @throws {TypeError} If this end only sends.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first. No message is then received.
   */
  async recv(options?: WaitOptions): Promise<T> {
    return (await this.#recv(false, options)) as T;
  }

  /**
   * Receives the next message; blocks this thread until there is one.
   *
   * @throws As {@linkcode Connection.recv}.
   */
  recvSync(options?: WaitSyncOptions): T {
    return this.#recvSync(false, options) as T;
  }

  /**
   * Receives bytes that were sent as such.
   *
   * @throws {TypeError} If the next message is a value. It is not taken: use {@linkcode Connection.recv}.
   * @throws As {@linkcode Connection.recv}.
   */
  async recvBytes(options?: WaitOptions): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#recv(true, options)) as Uint8Array<ArrayBuffer>;
  }

  /**
   * Receives bytes that were sent as such; blocks this thread until there are some.
   *
   * @throws As {@linkcode Connection.recvBytes}.
   */
  recvBytesSync(options?: WaitSyncOptions): Uint8Array<ArrayBuffer> {
    return this.#recvSync(true, options) as Uint8Array<ArrayBuffer>;
  }

  /**
   * Whether something can be received: a message, or that the other end is closed. Waits for that, without blocking the event
   * loop, if a timeout is given; it is 0 where none is.
   *
   * @returns `true`, or `false` if `timeout` passed first.
   * @throws {TypeError} If this end only sends.
   * @throws The signal's reason, if it is aborted first.
   */
  async poll(options?: WaitOptions): Promise<boolean> {
    const end = this.#receiver(POLL);
    const timeout = pollTimeout(options);
    options?.signal?.throwIfAborted();
    const isReady = end.isReadable();
    if (isReady || timeout === 0) return isReady;
    return await end.wait(this.#polling(end), timeout, options?.signal);
  }

  /**
   * Whether something can be received: a message, or that the other end is closed. Blocks this thread for that if a timeout
   * is given; it is 0 where none is.
   *
   * @returns `true`, or `false` if `timeout` passed first.
   * @throws {TypeError} If this end only sends.
   */
  pollSync(options?: WaitSyncOptions): boolean {
    const end = this.#receiver(POLL);
    return waitSync(end.space, this.#polling(end), pollTimeout(options));
  }

  /**
   * Gives this thread's hold on the end up. Every wait of this thread at it throws {@linkcode InvalidStateError}, as does every
   * use from now on. Doing it twice does nothing. A connection that is dropped is closed by the garbage collector, eventually.
   */
  close(): void {
    this.#end?.close();
  }

  /** Whether this thread closed it. */
  get closed(): boolean {
    return this.#place.at < 0;
  }

  /** The same as {@linkcode Connection.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #check(action: string): End {
    const end = this.#end;
    if (end === undefined) unusable(this, action);
    if (this.#place.at < 0) throw new InvalidStateError(`Cannot ${action} as this connection is closed`);
    end.hold();
    return end;
  }

  #sender(): End {
    const end = this.#check(SEND);
    if (end.output === 0) throw new TypeError(`Cannot ${SEND} as this end of a one-way pipe only receives`);
    return end;
  }

  #receiver(action: string): End {
    const end = this.#check(action);
    if (end.input === 0) throw new TypeError(`Cannot ${action} as this end of a one-way pipe only sends`);
    return end;
  }

  // The bar does not keep off a caller that does not wait.
  #sendSync(end: End, message: Message, timeout: number): void {
    const outcome = end.trySend(message, timeout === 0 ? 1 : LOOK);
    if (outcome === SENT) return;
    if (outcome === BROKEN || timeout === 0) refuse(end, message, outcome, timeout);
    waitSync(end.space, this.#sending(end, message), timeout);
  }

  async #send(end: End, message: Message, timeout: number, signal: AbortSignal | undefined): Promise<void> {
    if (timeout === 0 || !end.space.async.isCrowded(end.output + PUT_POINT)) {
      const outcome = end.trySend(message, timeout === 0 ? 1 : 0);
      if (outcome === SENT) return;
      if (outcome === BROKEN || timeout === 0) refuse(end, message, outcome, timeout);
    }
    // By then the codec's buffer has another message, and the caller may have changed the bytes.
    await end.wait(this.#sending(end, message.keep()), timeout, signal);
  }

  #sending(end: End, message: Message): Wait<true> {
    return {
      point: end.output + PUT_POINT,
      attempt: (woken) => {
        this.#stillOpen(SEND, () => message.drop(end.space));
        const outcome = end.trySend(message, woken);
        if (outcome === undefined) return undefined;
        return outcome === SENT ? true : refuse(end, message, outcome, 0);
      },
      expired: notSent,
      abandoned: () => {
        message.drop(end.space);
        if (this.#place.at >= 0) end.unbarSend();
      },
      ordered: true,
    };
  }

  #recvSync(onlyBytes: boolean, options: WaitSyncOptions | undefined): unknown {
    const end = this.#receiver(RECEIVE);
    const timeout = validateWait(options, RECEIVE);
    let outcome = end.tryReceive(incoming, onlyBytes, timeout === 0 ? 1 : LOOK);
    if (outcome === undefined) {
      if (timeout === 0) notReceived(timeout);
      outcome = waitSync(end.space, this.#receiving(end, onlyBytes, (outcome) => outcome), timeout);
    }
    return received(end, outcome);
  }

  async #recv(onlyBytes: boolean, options: WaitOptions | undefined): Promise<unknown> {
    const end = this.#receiver(RECEIVE);
    const timeout = validateWait(options, RECEIVE);
    options?.signal?.throwIfAborted();
    if (timeout === 0 || !end.space.async.isCrowded(end.input + GET_POINT)) {
      const outcome = end.tryReceive(incoming, onlyBytes, timeout === 0 ? 1 : 0);
      if (outcome !== undefined) return received(end, outcome);
      if (timeout === 0) notReceived(timeout);
    }
    // Read at once, before `incoming` gets another message.
    const read = (outcome: number): { value: unknown } => ({ value: received(end, outcome) });
    return (await end.wait(this.#receiving(end, onlyBytes, read), timeout, options?.signal)).value;
  }

  #receiving<R>(end: End, onlyBytes: boolean, resultOf: (outcome: number) => R): Wait<R> {
    return {
      point: end.input + GET_POINT,
      attempt: (woken) => {
        this.#stillOpen(RECEIVE);
        const outcome = end.tryReceive(incoming, onlyBytes, woken);
        return outcome === undefined ? undefined : resultOf(outcome);
      },
      expired: notReceived,
      abandoned: () => {
        if (this.#place.at >= 0) end.unbarReceive();
      },
      ordered: true,
    };
  }

  #polling(end: End): Wait<boolean> {
    return {
      point: end.input + GET_POINT,
      attempt: (woken) => {
        this.#stillOpen(POLL);
        return end.tryPoll(woken);
      },
      expired: () => false,
    };
  }

  #stillOpen(action: string, otherwise?: () => void): void {
    if (this.#place.at >= 0) return;
    otherwise?.();
    throw new InvalidStateError(`Cannot ${action} as this connection was closed meanwhile`);
  }
}

function messageOf({ space }: End, value: unknown): Message {
  if (!outgoing.pack(space, value)) throw noRoom(SEND, outgoing.second, space.available());
  return outgoing;
}

function messageOfBytes({ space }: End, value: ArrayBuffer | ArrayBufferView): Message {
  let bytes: Uint8Array;
  if (ArrayBuffer.isView(value)) bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  else if (isBuffer(value)) bytes = new Uint8Array(value);
  else {
    throw new TypeError(
      `Cannot send bytes through connection as it must be an ArrayBuffer or a view of one: received ${show(value)}`,
    );
  }
  if (!outgoing.packBytes(space, bytes)) throw noRoom(SEND, outgoing.second, space.available());
  return outgoing;
}

function isBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

function refuse(end: End, message: Message, outcome: number | undefined, timeout: number): never {
  message.drop(end.space);
  if (outcome !== BROKEN) notSent(timeout);
  throw new BrokenPipeError(`Cannot ${SEND} as nobody holds the other end any more`);
}

function notSent(timeout: number): never {
  throw new TimeoutError(`Cannot ${SEND} as its buffer was full for all of the ${timeout} ms of 'timeout'`);
}

function notReceived(timeout: number): never {
  throw new TimeoutError(`Cannot ${RECEIVE} as nothing came in all of the ${timeout} ms of 'timeout'`);
}

function received(end: End, outcome: number): unknown {
  if (outcome === NOT_BYTES) {
    throw new TypeError("Cannot receive bytes from connection as the next message is a value, which stays: use recv()");
  }
  if (outcome === ENDED) throw new EOFError(`Cannot ${RECEIVE} as nobody holds the other end any more`);
  return incoming.unpack(end.space);
}

function pollTimeout(options: WaitOptions | undefined): number {
  const timeout = validateWait(options, POLL);
  return options?.timeout === undefined ? 0 : timeout;
}

/** Options of {@linkcode Pipe}. */
export interface PipeOptions {
  /** Whether both ends send and receive, which is the default. If not, the first only receives and the second only sends. */
  duplex?: boolean;
}

/**
 * Two connections: what one end sends, the other receives.
 *
 * With `duplex: false` the first only receives and the second only sends.
 *
 * Python: `multiprocessing.Pipe`.
 *
 * @typeParam A What the first end receives.
 * @typeParam B What the second end receives.
 * @throws {TypeError} If the options are not an object, or `duplex` is not a boolean.
 * @throws {RangeError} If the shared memory is full.
 *
 * @example
 * ```ts
 * import { Pipe } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const [receiver, sender] = Pipe({ duplex: false });
 * sender.sendSync({ id: 1 });
 * assertEquals(await receiver.recv(), { id: 1 });
 * ```
 */
export function Pipe<A = unknown, B = A>(options?: PipeOptions): [Connection<A>, Connection<B>] {
  if (options !== undefined && (typeof options !== "object" || options === null)) {
    throw new TypeError(
      `Cannot create pipe as the options must be an object like { duplex: false }: received ${show(options)}`,
    );
  }
  const duplex = options?.duplex ?? true;
  if (typeof duplex !== "boolean") {
    throw new TypeError(`Cannot create pipe as 'duplex' must be a boolean: received ${show(duplex)}`);
  }
  // Connections that are made while a worker imports a module cannot be used, and say so: no pipe is made for them.
  const pipe = importingModule() === undefined ? createPipe(processSpace(), duplex) : 0;
  return [new Connection<A>(new NewEnd(pipe, 0)), new Connection<B>(new NewEnd(pipe, 1))];
}

registerProcessClass(CONNECTION, Connection);
