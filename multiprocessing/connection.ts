/**
 * Pipes, each of which is a pair of connections: what one end sends, the other end receives.
 *
 * This module waits and throws the errors. _internal/processes/pipe_end.ts puts messages into the pipe and takes them out,
 * and keeps what a thread knows of its end.
 *
 * @module
 */

import {
  BrokenPipeError,
  BufferTooShortError,
  EOFError,
  InvalidStateError,
  TimeoutError,
} from "../_internal/errors.ts";
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
import { show, validateInteger, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import { processSpace } from "../_internal/processes/process_memory.ts";
import { createPipe, GET_POINT, PUT_POINT } from "../_internal/processes/pipe.ts";
import { BROKEN, CONNECTION_WORDS, End, ENDED, NewEnd, NOT_BYTES, SENT } from "../_internal/processes/pipe_end.ts";
import { blockAtPipe } from "../_internal/processes/pipe_wait.ts";
import { Message } from "../_internal/queue/message.ts";
import { whileNoted } from "../_internal/queue/taken.ts";
import { importingModule } from "../_internal/runtime/this_thread.ts";

const SEND = "send through connection";
const RECEIVE = "receive from connection";
const POLL = "poll connection";

/** What a receiver takes: any value, bytes in a buffer of their own, or bytes that are written to a place of the caller. */
type Wanted = "value" | "bytes" | Target;

interface Target {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

/** Options of {@linkcode Connection.recvBytesIntoSync}. */
export interface RecvIntoSyncOptions extends WaitSyncOptions {
  /** Where in the buffer the message begins, in bytes. Default: 0. */
  offset?: number;
}

/** Options of {@linkcode Connection.recvBytesInto}. */
export interface RecvIntoOptions extends WaitOptions {
  /** Where in the buffer the message begins, in bytes. Default: 0. */
  offset?: number;
}

const outgoing = new Message();
const incoming = new Message();

/**
 * One end of a {@linkcode Pipe}. It sends messages to the other end, and receives what the other end sent.
 *
 * - **Messages** arrive whole, in the order in which they were sent. Any number of processes and threads may use the same
 *   end: each message is received once.
 * - **Copies.** Sending copies the value, as `structuredClone` does. The objects of this module are shared instead of copied,
 *   so a connection can be sent through a connection.
 * - **Visibility.** What a process wrote to shared memory before it sent a message is visible to the receiver of the message.
 * - **Buffer.** Each direction buffers 64 KiB or more, and a sender waits while the buffer is full. A message that is larger
 *   than half of the buffer counts as half of it, and can still be sent.
 * - **Holders.** A thread becomes a holder of an end when it receives the end or first uses it. Creating a pipe and passing an
 *   end on does not make a thread a holder, so a parent need not close the end that it gave to a child.
 * - **The end of a pipe.** When the last holder of an end has closed it or has ended, for whatever reason, the other end still
 *   receives what was sent. After that, receiving throws {@linkcode EOFError}. Sending throws {@linkcode BrokenPipeError}.
 *
 * Every method but {@linkcode Connection.close} throws {@linkcode InvalidStateError} if the calling thread has closed the
 * connection. Methods that take a `timeout` throw `RangeError` if it is negative or NaN.
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
 * @typeParam T The type of the values that this end receives.
 */
export class Connection<T = unknown> extends SharedHandle {
  readonly #place: Place = placeOf(this);
  /** `undefined` if the connection was created while a worker imports a module. */
  readonly #end: End | undefined;

  /**
   * Not for programs: {@linkcode Pipe} creates connections, in pairs.
   *
   * @param made An end of a new pipe, from `Pipe`.
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
   * Sends a value. Waits, without blocking the event loop, while the buffer is full.
   *
   * The value is copied before this returns its promise: later changes to it have no effect. Promises of one thread are sent in
   * the order of the calls.
   *
   * A value is sent whole or not at all: after any error, also after a timeout or an abort, the other end does not receive it.
   *
   * Python: `multiprocessing.connection.Connection.send`.
   *
   * @param value The value: anything that can be sent to another process.
   * @param options `timeout` in milliseconds, and `signal`. With a `timeout` of 0, it does not wait.
   * @throws {BrokenPipeError} If no thread holds the other end any more.
   * @throws {TypeError} If this end only receives, or the value contains an object that only threads share.
   * @throws {DOMException} `DataCloneError`, if the value cannot be copied. The message names the path to it.
   * @throws {RangeError} If the shared memory has no room for the value.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example
   * ```ts
   * import { Pipe } from "@weft/concurrent/multiprocessing";
   * import { assertEquals } from "@std/assert";
   *
   * const [here, there] = Pipe();
   * await here.send({ id: 1 });
   * await here.send({ id: 2 });
   * assertEquals([there.recvSync(), there.recvSync()], [{ id: 1 }, { id: 2 }]);
   * ```
   */
  async send(value: unknown, options?: WaitOptions): Promise<void> {
    const end = this.#sender();
    const timeout = validateWait(options, SEND);
    const signal = options?.signal;
    signal?.throwIfAborted();
    await this.#send(end, messageOf(end, value), timeout, signal);
  }

  /**
   * Sends a value. Blocks this thread while the buffer is full. See {@linkcode Connection.send}.
   *
   * Python: `multiprocessing.connection.Connection.send`.
   *
   * @param value The value: anything that can be sent to another process.
   * @param options `timeout` in milliseconds. With 0, it does not wait.
   * @throws {BrokenPipeError} If no thread holds the other end any more.
   * @throws {TypeError} If this end only receives, or the value contains an object that only threads share.
   * @throws {DOMException} `DataCloneError`, if the value cannot be copied. The message names the path to it.
   * @throws {RangeError} If the shared memory has no room for the value.
   * @throws {TimeoutError} If `timeout` passes first.
   */
  sendSync(value: unknown, options?: WaitSyncOptions): void {
    const end = this.#sender();
    const timeout = validateWait(options, SEND);
    this.#sendSync(end, messageOf(end, value), timeout);
  }

  /**
   * Sends bytes, without the cost of encoding a value. Waits, without blocking the event loop, while the buffer is full.
   *
   * {@linkcode Connection.recvBytes} receives them; {@linkcode Connection.recv} does as well, as a `Uint8Array`. Like a value,
   * the bytes are copied before this returns its promise, and are sent whole or not at all.
   *
   * Python: `multiprocessing.connection.Connection.send_bytes`.
   *
   * @param bytes The bytes: a buffer, or the part of a buffer that a view covers.
   * @param options `timeout` in milliseconds, and `signal`. With a `timeout` of 0, it does not wait.
   * @throws {BrokenPipeError} If no thread holds the other end any more.
   * @throws {TypeError} If this end only receives, or `bytes` is not a buffer or a view.
   * @throws {RangeError} If the shared memory has no room for the bytes.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example
   * ```ts
   * import { Pipe } from "@weft/concurrent/multiprocessing";
   * import { assertEquals } from "@std/assert";
   *
   * const [receiver, sender] = Pipe({ duplex: false });
   * await sender.sendBytes(new TextEncoder().encode("hello"));
   * assertEquals(new TextDecoder().decode(await receiver.recvBytes()), "hello");
   * ```
   */
  async sendBytes(bytes: ArrayBuffer | ArrayBufferView, options?: WaitOptions): Promise<void> {
    const end = this.#sender();
    const timeout = validateWait(options, SEND);
    const signal = options?.signal;
    signal?.throwIfAborted();
    await this.#send(end, messageOfBytes(end, bytes), timeout, signal);
  }

  /**
   * Sends bytes. Blocks this thread while the buffer is full. See {@linkcode Connection.sendBytes}.
   *
   * Python: `multiprocessing.connection.Connection.send_bytes`.
   *
   * @param bytes The bytes: a buffer, or the part of a buffer that a view covers.
   * @param options `timeout` in milliseconds. With 0, it does not wait.
   * @throws {BrokenPipeError} If no thread holds the other end any more.
   * @throws {TypeError} If this end only receives, or `bytes` is not a buffer or a view.
   * @throws {RangeError} If the shared memory has no room for the bytes.
   * @throws {TimeoutError} If `timeout` passes first.
   */
  sendBytesSync(bytes: ArrayBuffer | ArrayBufferView, options?: WaitSyncOptions): void {
    const end = this.#sender();
    const timeout = validateWait(options, SEND);
    this.#sendSync(end, messageOfBytes(end, bytes), timeout);
  }

  /**
   * Receives the next message. Waits for it without blocking the event loop.
   *
   * Promises of one thread get messages in the order of the calls. After a timeout or an abort, no message has been received.
   *
   * Python: `multiprocessing.connection.Connection.recv`.
   *
   * @param options `timeout` in milliseconds, and `signal`. With a `timeout` of 0, it does not wait.
   * @returns The value that was sent: a copy that belongs to this thread. If bytes were sent, a `Uint8Array`.
   * @throws {EOFError} If there is no message and no thread holds the other end any more.
   * @throws {TypeError} If this end only sends.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example Receive until the other end is closed
   * ```ts
   * import { EOFError, Pipe } from "@weft/concurrent/multiprocessing";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * const [receiver, sender] = Pipe<string>({ duplex: false });
   * await sender.send("last");
   * sender.close();
   * assertEquals(await receiver.recv(), "last");
   * await assertRejects(() => receiver.recv(), EOFError);
   * ```
   */
  async recv(options?: WaitOptions): Promise<T> {
    return (await this.#recv("value", options)) as T;
  }

  /**
   * Receives the next message. Blocks this thread until there is a message. See {@linkcode Connection.recv}.
   *
   * Python: `multiprocessing.connection.Connection.recv`.
   *
   * @param options `timeout` in milliseconds. With 0, it does not wait.
   * @returns The value that was sent: a copy that belongs to this thread. If bytes were sent, a `Uint8Array`.
   * @throws {EOFError} If there is no message and no thread holds the other end any more.
   * @throws {TypeError} If this end only sends.
   * @throws {TimeoutError} If `timeout` passes first.
   */
  recvSync(options?: WaitSyncOptions): T {
    return this.#recvSync("value", options) as T;
  }

  /**
   * Receives the next message if it was sent with {@linkcode Connection.sendBytes}. Waits for it without blocking the event
   * loop. After a timeout or an abort, no message has been received.
   *
   * Python: `multiprocessing.connection.Connection.recv_bytes`.
   *
   * @param options `timeout` in milliseconds, and `signal`. With a `timeout` of 0, it does not wait.
   * @returns The bytes, in a buffer of their own.
   * @throws {TypeError} If the next message is a value, which {@linkcode Connection.recv} can still receive, or if this end
   * only sends.
   * @throws {EOFError} If there is no message and no thread holds the other end any more.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example
   * ```ts
   * import { Pipe } from "@weft/concurrent/multiprocessing";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * const [receiver, sender] = Pipe({ duplex: false });
   * sender.sendBytesSync(new Uint8Array([1, 2, 3]));
   * assertEquals(await receiver.recvBytes(), new Uint8Array([1, 2, 3]));
   * sender.sendSync("a value");
   * await assertRejects(() => receiver.recvBytes(), TypeError);
   * assertEquals(await receiver.recv(), "a value");
   * ```
   */
  async recvBytes(options?: WaitOptions): Promise<Uint8Array<ArrayBuffer>> {
    return (await this.#recv("bytes", options)) as Uint8Array<ArrayBuffer>;
  }

  /**
   * Receives the next message if it was sent with {@linkcode Connection.sendBytes}. Blocks this thread until there is a
   * message. See {@linkcode Connection.recvBytes}.
   *
   * Python: `multiprocessing.connection.Connection.recv_bytes`.
   *
   * @param options `timeout` in milliseconds. With 0, it does not wait.
   * @returns The bytes, in a buffer of their own.
   * @throws {TypeError} If the next message is a value, which {@linkcode Connection.recv} can still receive, or if this end
   * only sends.
   * @throws {EOFError} If there is no message and no thread holds the other end any more.
   * @throws {TimeoutError} If `timeout` passes first.
   */
  recvBytesSync(options?: WaitSyncOptions): Uint8Array<ArrayBuffer> {
    return this.#recvSync("bytes", options) as Uint8Array<ArrayBuffer>;
  }

  /**
   * Receives the next message if it was sent with {@linkcode Connection.sendBytes}, and writes it into a buffer of the caller.
   * Waits for it without blocking the event loop. After a timeout or an abort, no message has been received.
   *
   * For large messages this takes a fraction of the time of {@linkcode Connection.recvBytes}, which needs a new array for each:
   * the system clears and maps the memory of every new array.
   *
   * The rest of the buffer is left alone. The caller must not use the buffer until the promise settles: the message is written at
   * the moment at which it is received.
   *
   * Python: `multiprocessing.connection.Connection.recv_bytes_into`, with `offset` as the second argument.
   *
   * @param buffer Where to write the bytes: a buffer, or the part of a buffer that a view covers.
   * @param options `offset` in bytes: where in `buffer` the message begins; `timeout` in milliseconds, and `signal`. With a
   * `timeout` of 0, it does not wait.
   * @returns The number of bytes of the message.
   * @throws {BufferTooShortError} If the message is longer than the buffer behind `offset`. The error has the whole message, and
   * the buffer is as it was.
   * @throws {TypeError} If the next message is a value, which {@linkcode Connection.recv} can still receive, if this end only
   * sends, or if `buffer` is not a buffer or a view.
   * @throws {RangeError} If `offset` is not a whole number from 0 to the length of the buffer.
   * @throws {EOFError} If there is no message and no thread holds the other end any more.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example
   * ```ts
   * import { Pipe } from "@weft/concurrent/multiprocessing";
   * import { assertEquals } from "@std/assert";
   *
   * const [receiver, sender] = Pipe({ duplex: false });
   * const buffer = new Uint8Array(1 << 20);
   * sender.sendBytesSync(new Uint8Array([1, 2, 3]));
   * const count = await receiver.recvBytesInto(buffer);
   * assertEquals(buffer.subarray(0, count), new Uint8Array([1, 2, 3]));
   * ```
   */
  async recvBytesInto(buffer: ArrayBufferLike | ArrayBufferView, options?: RecvIntoOptions): Promise<number> {
    return (await this.#recv(targetOf(buffer, options), options)) as number;
  }

  /**
   * Receives the next message if it was sent with {@linkcode Connection.sendBytes}, and writes it into a buffer of the caller.
   * Blocks this thread until there is a message. See {@linkcode Connection.recvBytesInto}.
   *
   * Python: `multiprocessing.connection.Connection.recv_bytes_into`, with `offset` as the second argument.
   *
   * @param buffer Where to write the bytes: a buffer, or the part of a buffer that a view covers.
   * @param options `offset` in bytes: where in `buffer` the message begins; `timeout` in milliseconds. With 0, it does not wait.
   * @returns The number of bytes of the message.
   * @throws {BufferTooShortError} If the message is longer than the buffer behind `offset`. The error has the whole message, and
   * the buffer is as it was.
   * @throws {TypeError} If the next message is a value, which {@linkcode Connection.recv} can still receive, if this end only
   * sends, or if `buffer` is not a buffer or a view.
   * @throws {RangeError} If `offset` is not a whole number from 0 to the length of the buffer.
   * @throws {EOFError} If there is no message and no thread holds the other end any more.
   * @throws {TimeoutError} If `timeout` passes first.
   */
  recvBytesIntoSync(buffer: ArrayBufferLike | ArrayBufferView, options?: RecvIntoSyncOptions): number {
    return this.#recvSync(targetOf(buffer, options), options) as number;
  }

  /**
   * Says whether {@linkcode Connection.recv} would return or throw at once: there is a message, or the other end is closed.
   * Nothing is received.
   *
   * With a `timeout`, it waits for that without blocking the event loop. Another thread that uses the same end may receive the
   * message before the caller does.
   *
   * Python: `multiprocessing.connection.Connection.poll`.
   *
   * @param options `timeout` in milliseconds, by default 0, which does not wait; and `signal`.
   * @returns `true` if so, `false` if `timeout` passed first.
   * @throws {TypeError} If this end only sends.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example
   * ```ts
   * import { Pipe } from "@weft/concurrent/multiprocessing";
   * import { assertEquals } from "@std/assert";
   *
   * const [receiver, sender] = Pipe({ duplex: false });
   * assertEquals(await receiver.poll(), false);
   * sender.sendSync("hello");
   * assertEquals(await receiver.poll({ timeout: 1000 }), true);
   * assertEquals(receiver.recvSync(), "hello");
   * ```
   */
  async poll(options?: WaitOptions): Promise<boolean> {
    const end = this.#receiver(POLL);
    const timeout = pollTimeout(options);
    const signal = options?.signal;
    signal?.throwIfAborted();
    // A getter of the options may have closed the connection.
    if (this.#place.at < 0) this.#closedMeanwhile(POLL);
    const isReady = end.isReadable();
    if (isReady || timeout === 0) return isReady;
    return await end.wait(this.#polling(end), timeout, signal);
  }

  /**
   * Says whether {@linkcode Connection.recvSync} would return or throw at once: there is a message, or the other end is closed.
   * With a `timeout`, it blocks this thread until that is so. See {@linkcode Connection.poll}.
   *
   * Python: `multiprocessing.connection.Connection.poll`.
   *
   * @param options `timeout` in milliseconds. Default: 0, which does not wait.
   * @returns `true` if so, `false` if `timeout` passed first.
   * @throws {TypeError} If this end only sends.
   */
  pollSync(options?: WaitSyncOptions): boolean {
    const end = this.#receiver(POLL);
    return waitSync(end.space, this.#polling(end), pollTimeout(options));
  }

  /**
   * Closes the connection in this thread, which is then no longer a holder of the end. Other threads and processes that hold
   * the end can go on using it.
   *
   * Every pending wait of this thread at the connection throws {@linkcode InvalidStateError}, and so does every later use.
   * Closing it again has no effect. A connection that is never closed is closed when it is garbage-collected, or when its
   * thread ends.
   *
   * Python: `multiprocessing.connection.Connection.close`.
   *
   * @example
   * ```ts
   * import { BrokenPipeError, Pipe } from "@weft/concurrent/multiprocessing";
   * import { assert, assertThrows } from "@std/assert";
   *
   * const [receiver, sender] = Pipe({ duplex: false });
   * receiver.close();
   * assert(receiver.closed);
   * assertThrows(() => sender.sendSync("too late"), BrokenPipeError);
   * ```
   */
  close(): void {
    this.#end?.close();
  }

  /** Whether this thread has closed the connection. Python: `multiprocessing.connection.Connection.closed`. */
  get closed(): boolean {
    return this.#place.at < 0;
  }

  /** Closes the connection, as {@linkcode Connection.close} does, at the end of a `using` block. */
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

  // A caller with a timeout of 0 passes 1, so that the bar does not keep it off: it could not wait for its turn.
  #sendSync(end: End, message: Message, timeout: number): void {
    // Code of the program may have run while the message was made, and have closed the connection: then the pipe may be gone.
    if (this.#place.at < 0) this.#closedMeanwhile(SEND, message);
    const outcome = end.trySend(message, timeout === 0 ? 1 : LOOK);
    if (outcome === SENT) return;
    if (outcome === BROKEN || timeout === 0) refuse(end, message, outcome, timeout);
    blockAtPipe(end.space, this.#sending(end, message), timeout, end.sending);
  }

  async #send(end: End, message: Message, timeout: number, signal: AbortSignal | undefined): Promise<void> {
    // As in `#sendSync`.
    if (this.#place.at < 0) this.#closedMeanwhile(SEND, message);
    if (timeout === 0 || !end.space.async.isCrowded(end.output + PUT_POINT)) {
      const outcome = end.trySend(message, timeout === 0 ? 1 : 0);
      if (outcome === SENT) return;
      if (outcome === BROKEN || timeout === 0) refuse(end, message, outcome, timeout);
    }
    // Keep a copy: before a later attempt, the codec's buffer gets other messages, and the caller may change the bytes.
    await end.wait(this.#sending(end, message.keep()), timeout, signal);
  }

  #sending(end: End, message: Message): Wait<true> {
    return {
      point: end.output + PUT_POINT,
      attempt: whileNoted(
        end.space,
        message,
        (woken) => this.#place.at < 0 ? 1 : end.roomFor(message, woken),
        (woken) => {
          if (this.#place.at < 0) this.#closedMeanwhile(SEND, message);
          const outcome = end.trySend(message, woken);
          if (outcome === undefined) return undefined;
          return outcome === SENT ? true : refuse(end, message, outcome, 0);
        },
      ),
      expired: notSent,
      abandoned: () => {
        message.drop(end.space);
        if (this.#place.at >= 0) end.unbarSend();
      },
      ordered: true,
    };
  }

  #recvSync(wanted: Wanted, options: WaitSyncOptions | undefined): unknown {
    const end = this.#receiver(RECEIVE);
    const timeout = validateWait(options, RECEIVE);
    // A getter of the options may have closed the connection.
    if (this.#place.at < 0) this.#closedMeanwhile(RECEIVE);
    let outcome = end.tryReceive(incoming, wanted !== "value", timeout === 0 ? 1 : LOOK);
    if (outcome === undefined) {
      if (timeout === 0) notReceived(timeout);
      outcome = blockAtPipe(end.space, this.#receiving(end, wanted, itself), timeout, end.receiving);
      if (outcome !== ENDED) end.noteSender();
    }
    return received(end, outcome, wanted);
  }

  async #recv(wanted: Wanted, options: WaitOptions | undefined): Promise<unknown> {
    const end = this.#receiver(RECEIVE);
    const timeout = validateWait(options, RECEIVE);
    const signal = options?.signal;
    signal?.throwIfAborted();
    // As in `#recvSync`.
    if (this.#place.at < 0) this.#closedMeanwhile(RECEIVE);
    if (timeout === 0 || !end.space.async.isCrowded(end.input + GET_POINT)) {
      const outcome = end.tryReceive(incoming, wanted !== "value", timeout === 0 ? 1 : 0);
      if (outcome !== undefined) return received(end, outcome, wanted);
      if (timeout === 0) notReceived(timeout);
    }
    // The attempt itself unpacks the message, before `incoming` gets another message.
    const read = (outcome: number): { value: unknown } => ({ value: received(end, outcome, wanted) });
    return (await end.wait(this.#receiving(end, wanted, read), timeout, signal)).value;
  }

  #receiving<R>(end: End, wanted: Wanted, resultOf: (outcome: number) => R): Wait<R> {
    return {
      point: end.input + GET_POINT,
      attempt: (woken) => {
        if (this.#place.at < 0) this.#closedMeanwhile(RECEIVE);
        const outcome = end.tryReceive(incoming, wanted !== "value", woken);
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
        if (this.#place.at < 0) this.#closedMeanwhile(POLL);
        return end.tryPoll(woken);
      },
      expired: () => false,
    };
  }

  #closedMeanwhile(action: string, message?: Message): never {
    message?.drop(this.#place.space);
    throw new InvalidStateError(`Cannot ${action} as this connection was closed meanwhile`);
  }
}

function messageOf({ space }: End, value: unknown): Message {
  if (!outgoing.pack(space, value)) throw noRoom(SEND, outgoing.second, space.available());
  return outgoing;
}

function messageOfBytes({ space }: End, value: ArrayBuffer | ArrayBufferView): Message {
  const bytes = bytesIn(value, "send bytes through connection as 'bytes'");
  if (!outgoing.packBytes(space, bytes)) throw noRoom(SEND, outgoing.second, space.available());
  return outgoing;
}

function targetOf(value: ArrayBufferLike | ArrayBufferView, options: RecvIntoOptions | undefined): Target {
  const bytes = bytesIn(value, `${RECEIVE} as 'buffer'`);
  const offset = options?.offset ?? 0;
  validateInteger(offset, "'offset'", 0, bytes.length, RECEIVE);
  return { bytes, offset };
}

function bytesIn(value: ArrayBufferLike | ArrayBufferView, what: string): Uint8Array {
  const isView = ArrayBuffer.isView(value);
  if (isView || isBuffer(value)) {
    try {
      return isView ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength) : new Uint8Array(value);
    } catch (cause) {
      // A buffer that was transferred has no bytes, and the engines' messages do not name it.
      throw new TypeError(`Cannot ${what} must have its memory: it is detached, as after a transfer`, { cause });
    }
  }
  throw new TypeError(`Cannot ${what} must be an ArrayBuffer or a view: received ${show(value)}`);
}

function isBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

function refuse(end: End, message: Message, outcome: number | undefined, timeout: number): never {
  message.drop(end.space);
  if (outcome !== BROKEN) notSent(timeout);
  throw new BrokenPipeError(`Cannot ${SEND} as no thread holds the other end any more`);
}

function notSent(timeout: number): never {
  throw new TimeoutError(`Cannot ${SEND} as its buffer was full for all of the ${timeout} ms of 'timeout'`);
}

function notReceived(timeout: number): never {
  throw new TimeoutError(`Cannot ${RECEIVE} as nothing came in all of the ${timeout} ms of 'timeout'`);
}

function itself(outcome: number): number {
  return outcome;
}

function received(end: End, outcome: number, wanted: Wanted): unknown {
  if (outcome === NOT_BYTES) {
    throw new TypeError("Cannot receive bytes from connection as the next message is a value: receive it with recv()");
  }
  if (outcome === ENDED) throw new EOFError(`Cannot ${RECEIVE} as no thread holds the other end any more`);
  if (typeof wanted === "string") return incoming.unpack(end.space);
  const { bytes: target, offset } = wanted;
  const count = incoming.unpackInto(end.space, target, offset);
  if (count >= 0) return count;
  const bytes = incoming.unpack(end.space) as Uint8Array<ArrayBuffer>;
  throw new BufferTooShortError(
    `Cannot ${RECEIVE} as the message is longer than the buffer: needed ${bytes.length} bytes, available ${
      Math.max(0, target.length - offset)
    } (the error's 'bytes' has the message)`,
    { bytes },
  );
}

function pollTimeout(options: WaitOptions | undefined): number {
  const timeout = validateWait(options, POLL);
  return options?.timeout === undefined ? 0 : timeout;
}

/** Options of {@linkcode Pipe}. */
export interface PipeOptions {
  /** Whether both ends send and receive. If `false`, the first only receives and the second only sends. Default: `true`. */
  duplex?: boolean;
}

/**
 * Creates a pipe: two connections, of which each receives what the other sends.
 *
 * The two ends may be used in the same process, or be sent to other processes and threads. With `duplex: false` the first only
 * receives and the second only sends.
 *
 * Python: `multiprocessing.Pipe`.
 *
 * @typeParam A The type of the values that the first end receives.
 * @typeParam B The type of the values that the second end receives.
 * @param options `duplex`. Default: both ends send and receive.
 * @returns The two ends.
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
  // Connections that are created while a worker imports a module cannot be used, and every use throws. They need no pipe.
  const pipe = importingModule() === undefined ? createPipe(processSpace(), duplex) : 0;
  return [new Connection<A>(new NewEnd(pipe, 0)), new Connection<B>(new NewEnd(pipe, 1))];
}

registerProcessClass(CONNECTION, Connection);
