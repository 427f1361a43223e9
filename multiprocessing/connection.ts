/**
 * One end of a pipe.
 *
 * @module
 */

import { load, now, store } from "../_internal/atomics.ts";
import { BrokenPipeError, EOFError, InvalidStateError, TimeoutError } from "../_internal/errors.ts";
import type { AsyncWait } from "../_internal/memory/async_waiters.ts";
import { CONNECTION, defineKind, registerClass } from "../_internal/memory/kinds.ts";
import { OBJECT_HEADER, type Scope } from "../_internal/memory/memory.ts";
import {
  addReference,
  Attachment,
  disposeOf,
  onRelease,
  type Place,
  placeOf,
  SCOPE,
  SharedHandle,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { noRoom, type Space } from "../_internal/memory/space.ts";
import { makeParcel } from "../_internal/queue/taken.ts";
import { block, LOOK, notify } from "../_internal/memory/wait_point.ts";
import { deadlineOf, show, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import "../_internal/processes/memory.ts";
import {
  beginGet,
  beginPut,
  BLOCK,
  changesOf,
  closeEnd,
  countHandle,
  dropHandle,
  endGet,
  GET_BAR,
  GET_POINT,
  hasRoom,
  hold,
  isEmpty,
  isGone,
  isHeld,
  isOneWay,
  lose,
  pin,
  publish,
  PUT_BAR,
  PUT_POINT,
  RAW,
  RAW_BLOCK,
  ringOf,
  setObject,
  SHIFT,
  TAG,
  tellOther,
  unpin,
  wordsForBlock,
} from "../_internal/processes/pipe.ts";
import { noticeEnds } from "../_internal/processes/record.ts";
import { firstLine } from "../_internal/queue/container.ts";
import { Message, openParcel } from "../_internal/queue/message.ts";

// Own words: the pipe's block, and which end of it this is.
const PIPE = 0;
const END = 1;
const CONNECTION_WORDS = 2;

/** The most bytes that stand in the ring itself. */
const INLINE = 16384;
/** How often a waiter lets itself be overtaken; see Queue. */
const WOKEN_IN_VAIN = 4;
const EVERYBODY = 0xfff;
/** For so many milliseconds who was alive is taken to be, by those who send. */
const BELIEVED = 2;

/** In place of options: an end that `Pipe` makes. */
export class NewEnd {
  constructor(readonly pipe: number, readonly end: number) {}
}

const outgoing = new Message();
const incoming = new Message();
/** What a byte message that was taken had in it. */
let incomingBytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** What is to be sent: a message as words, or bytes in a parcel, or bytes as they are. */
interface Parcel {
  message: Message | undefined;
  header: number;
  bytes: Uint8Array;
  block: number;
  /** Of bytes, or of what stands in a block. */
  length: number;
}

/** How taking a message went. */
const TAKEN = 1;
const TAKEN_BYTES = 2;
const NOT_BYTES = 3;
const ENDED = 4;

/** How giving one went. */
const SENT = 1;
const BROKEN = 2;

interface Handle {
  readonly space: Space;
  readonly base: number;
  readonly end: number;
  readonly object: number;
  held: boolean;
}

// All that this thread has, without keeping the connections: it gives them up when it ends, when no finalizer runs.
const handles = new Set<Handle>();

// Whoever drops a connection without closing it closes it, some time.
const dropped = new FinalizationRegistry<Handle>((handle) => {
  const { space, base, end, object, held } = handle;
  handles.delete(handle);
  dropHandle(space, base, end, object, held);
});

/**
 * One end of a {@linkcode Pipe}: sends messages to the other end, receives what that one sent.
 *
 * Messages are whole, and any number of processes and threads may send and receive at the same end: each message is
 * received once. Values are copied as by `structuredClone`; the objects of this module are shared, so connections can be
 * sent through connections. 64 KiB and more are buffered; what is larger waits in memory of its own until the receiver
 * has room for it.
 *
 * An end is held by each thread that received it or used it; making a pipe and passing its ends on does not count. When the last
 * holder of an end has closed it or has ended, however it did, the other end receives what was sent and then gets
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
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";

  readonly #pipe: number;
  readonly #base: number;
  readonly #end: number;
  /** The ring that is received from; 0: none. */
  readonly #input: number;
  /** The ring that is sent to; 0: none. */
  readonly #output: number;
  readonly #handle: Handle | undefined;
  /** When the other end was found to be there, and the number of changes then. */
  #seenAt = -Infinity;
  #seenChanges = 0;

  /** Connections are made by `Pipe`. @ignore */
  constructor(made: object) {
    if (!(made instanceof NewEnd) && !(made instanceof Attachment)) {
      throw new TypeError("Cannot create connection as connections come in pairs: use Pipe()");
    }
    super(new.target, made instanceof Attachment ? made : undefined, () => ({
      action: "create connection",
      kind: CONNECTION,
      words: CONNECTION_WORDS,
      initialize: (words, at) => {
        const { pipe, end } = made as NewEnd;
        store(words, at + PIPE, pipe);
        store(words, at + END, end);
        setObject(words, firstLine(pipe), end, at - OBJECT_HEADER);
      },
    }));
    const { words, at } = this.#place;
    if (at < 0) {
      this.#pipe =
        this.#base =
        this.#end =
        this.#input =
        this.#output =
          0;
      return;
    }
    const base = this.#base = firstLine(this.#pipe = load(words, at + PIPE));
    const end = this.#end = load(words, at + END);
    const oneWay = isOneWay(words, base);
    this.#input = oneWay && end === 1 ? 0 : ringOf(words, base, 1 - end);
    this.#output = oneWay && end === 0 ? 0 : ringOf(words, base, end);
    const handle = this.#handle = { space: this.#place.space, base, end, object: at - OBJECT_HEADER, held: false };
    // Received: before the message's reference is dropped, so that the end is not taken for closed in between.
    if (made instanceof Attachment) this.#hold();
    addReference(this.#place.space, handle.object);
    countHandle(words, base, end, 1);
    handles.add(handle);
    dropped.register(this, handle, this);
  }

  static {
    // Closes all of a thread that ends.
    onRelease((ended) => {
      for (const handle of handles) {
        const { space, base, end, object, held } = handle;
        if (space !== ended) continue;
        const connection = space.handles.get(object)?.deref() as Connection | undefined;
        if (connection !== undefined && connection.#handle === handle) {
          connection.#close();
        } else {
          handles.delete(handle);
          dropHandle(space, base, end, object, held);
        }
      }
    });
  }

  /**
   * Sends a value; waits, without blocking the event loop, while the buffer is full. The value is copied before this
   * returns its promise.
   *
   * @throws {BrokenPipeError} If nobody holds the other end any more.
   * @throws {TypeError} If this end only receives, or a thread's object is in the value.
   * @throws {DOMException} `DataCloneError`, if the value cannot be copied: it names the path. Nothing is sent.
   * @throws {RangeError} If the shared memory has no room for it. Nothing is sent.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first. Nothing is sent.
   */
  async send(value: unknown, options?: WaitOptions): Promise<void> {
    const timeout = validateWait(options, this.#checkOutput());
    options?.signal?.throwIfAborted();
    await this.#send(this.#pack(value), timeout, options?.signal);
  }

  /**
   * Sends a value; blocks this thread while the buffer is full.
   *
   * @throws As {@linkcode Connection.send}.
   */
  sendSync(value: unknown, options?: WaitSyncOptions): void {
    const action = this.#checkOutput();
    this.#sendSync(this.#pack(value), options === undefined ? Infinity : validateWait(options, action));
  }

  /**
   * Sends bytes, without the cost of encoding them. {@linkcode Connection.recvBytes} gets them as they are.
   *
   * @throws As {@linkcode Connection.send}; `TypeError` also if it is not bytes.
   */
  async sendBytes(bytes: ArrayBuffer | ArrayBufferView, options?: WaitOptions): Promise<void> {
    const timeout = validateWait(options, this.#checkOutput());
    options?.signal?.throwIfAborted();
    await this.#send(this.#packBytes(bytes), timeout, options?.signal);
  }

  /**
   * Sends bytes; blocks this thread while the buffer is full.
   *
   * @throws As {@linkcode Connection.sendBytes}.
   */
  sendBytesSync(bytes: ArrayBuffer | ArrayBufferView, options?: WaitSyncOptions): void {
    const action = this.#checkOutput();
    this.#sendSync(this.#packBytes(bytes), options === undefined ? Infinity : validateWait(options, action));
  }

  /**
   * Receives the next message; waits for one without blocking the event loop. What was sent as bytes is a `Uint8Array`.
   *
   * @throws {EOFError} If there is none and nobody holds the other end any more.
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
   * Whether something can be received: a message, or that the other end is closed. Waits for that if a timeout is given;
   * it is 0 where none is.
   *
   * @throws {TypeError} If this end only sends.
   * @throws The signal's reason, if it is aborted first.
   */
  async poll(options?: WaitOptions): Promise<boolean> {
    const timeout = this.#pollTimeout(options);
    options?.signal?.throwIfAborted();
    const ready = this.#isReadable();
    if (ready || timeout === 0) return ready;
    return await this.#wait<boolean>(this.#input + GET_POINT, {
      attempt: () => this.#pollOnce(0),
      deadline: deadlineOf(timeout),
      expired: () => false,
      signal: options?.signal,
    });
  }

  /**
   * Whether something can be received: a message, or that the other end is closed. Blocks this thread for that if a timeout
   * is given; it is 0 where none is.
   *
   * @throws {TypeError} If this end only sends.
   */
  pollSync(options?: WaitSyncOptions): boolean {
    const timeout = this.#pollTimeout(options);
    const attempt = (woken: number): true | undefined => this.#pollOnce(woken);
    return block(this.#place.space, this.#input + GET_POINT, attempt, deadlineOf(timeout)) ?? false;
  }

  /**
   * Gives this thread's hold on the end up. Whatever waits here rejects with {@linkcode InvalidStateError}, as does every
   * use from now on. Doing it twice does nothing. A connection that is dropped is closed by the garbage collector, some time.
   */
  close(): void {
    this.#close();
  }

  #close(): void {
    const handle = this.#handle;
    if (this.#place.at < 0 || handle === undefined) return;
    const { space, words } = this.#place;
    const { base, end } = handle;
    pin(words, base);
    handles.delete(handle);
    dropped.unregister(this);
    dropHandle(space, base, end, handle.object, handle.held);
    disposeOf(this);
    // Only now nobody may hold this end any more; and what waits here finds out that it is closed.
    tellOther(space, base, end);
    if (this.#input !== 0) notify(space, this.#input + GET_POINT, EVERYBODY);
    if (this.#output !== 0) notify(space, this.#output + PUT_POINT, EVERYBODY);
    unpin(space, this.#pipe);
  }

  /** Whether this thread closed it. */
  get closed(): boolean {
    return this.#place.at < 0;
  }

  /** The same as {@linkcode Connection.close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  #check(action: string): void {
    if (this.#place.at < 0) {
      if (this.#handle === undefined) unusable(this, action);
      throw new InvalidStateError(`Cannot ${action} as this connection is closed`);
    }
    if (!this.#handle!.held) this.#hold();
  }

  #checkInput(action: string): string {
    this.#check(action);
    if (this.#input === 0) throw new TypeError(`Cannot ${action} as this end of a one-way pipe only sends`);
    return action;
  }

  #checkOutput(): string {
    const action = "send through connection";
    this.#check(action);
    if (this.#output === 0) throw new TypeError(`Cannot ${action} as this end of a one-way pipe only receives`);
    return action;
  }

  #hold(): void {
    hold(this.#place.space, this.#base, this.#end);
    this.#handle!.held = true;
  }

  #pack(value: unknown): Parcel {
    const message = outgoing;
    if (!message.write(this.#place.space, value)) this.#noRoom(message.second);
    const length = (message.header & TAG) === BLOCK ? message.second : 0;
    return { message, header: 0, bytes: NO_BYTES, block: 0, length };
  }

  #packBytes(value: ArrayBuffer | ArrayBufferView): Parcel {
    let bytes: Uint8Array;
    if (ArrayBuffer.isView(value)) bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    else if (isBuffer(value)) bytes = new Uint8Array(value);
    else {
      throw new TypeError(
        `Cannot send bytes through connection as it must be an ArrayBuffer or a view of one: received ${show(value)}`,
      );
    }
    const { length } = bytes;
    if (length <= INLINE) return { message: undefined, header: RAW | length << SHIFT, bytes, block: 0, length };
    const { space } = this.#place;
    const block = makeParcel(space, bytes, false);
    if (block === 0) this.#noRoom(length);
    return { message: undefined, header: RAW_BLOCK, bytes: NO_BYTES, block, length };
  }

  #noRoom(needed: number): never {
    throw noRoom("send through connection", needed, this.#place.space.available());
  }

  /** Gives back what was to be sent. */
  #discard({ message, block }: Parcel): void {
    if (message !== undefined) message.drop(this.#place.space);
    else if (block !== 0) this.#place.space.free(block);
  }

  // The other end is asked for at most every few milliseconds, unless its holders changed.
  #isBroken(exactly: boolean): boolean {
    const { words } = this.#place;
    const other = 1 - this.#end;
    const changes = changesOf(words, this.#base, other);
    const time = now();
    if (!exactly && changes === this.#seenChanges && time - this.#seenAt < BELIEVED) return false;
    if (isGone(this.#place.space, this.#base, other)) return true;
    // A child that was to have it may have ended before it took it, and our event loop, which would tell, not turn.
    if (exactly && !isHeld(this.#place.space, this.#base, other)) {
      noticeEnds(this.#place.space);
      if (isGone(this.#place.space, this.#base, other)) return true;
    }
    this.#seenChanges = changes;
    this.#seenAt = time;
    return false;
  }

  // `woken`: 0 or less for newcomers. `undefined`: it has to wait.
  #trySend(parcel: Parcel, woken: number): number | undefined {
    const { words, space } = this.#place;
    const ring = this.#output;
    if (space.isKilled()) space.exit();
    if (this.#isBroken(woken > 0)) return BROKEN;
    if (woken <= 0 && load(words, ring + PUT_BAR) !== 0) return undefined;
    const { message, header } = parcel;
    let position: number;
    if (message !== undefined) {
      const { size } = message;
      position = beginPut(space, ring, size, parcel.length === 0 ? size : wordsForBlock(parcel.length));
      if (position !== 0) message.store(space, position);
    } else if (header === RAW_BLOCK) {
      position = beginPut(space, ring, 3, wordsForBlock(parcel.length));
      if (position !== 0) {
        words[position] = header;
        words[position + 1] = parcel.block;
        words[position + 2] = parcel.length;
      }
    } else {
      const size = 1 + ((parcel.length + 3) >> 2);
      position = beginPut(space, ring, size, size);
      if (position !== 0) {
        words[position] = header;
        space.memory.bytes.set(parcel.bytes, (position + 1) * 4);
      }
    }
    if (position === 0) {
      if (woken >= WOKEN_IN_VAIN) store(words, ring + PUT_BAR, 1);
      return undefined;
    }
    publish(space, ring);
    if (woken > 0) this.#unbar(PUT_BAR, ring, PUT_POINT);
    return SENT;
  }

  #sendSync(parcel: Parcel, timeout: number): void {
    let outcome = this.#trySend(parcel, timeout === 0 ? 1 : LOOK);
    if (outcome === undefined && timeout > 0) {
      const attempt = (woken: number): number | undefined => this.#trySend(parcel, woken);
      outcome = block(this.#place.space, this.#output + PUT_POINT, attempt, deadlineOf(timeout));
      if (outcome === undefined) this.#unbar(PUT_BAR, this.#output, PUT_POINT);
    }
    if (outcome === SENT) return;
    this.#discard(parcel);
    this.#notSent(outcome, timeout);
  }

  async #send(parcel: Parcel, timeout: number, signal: AbortSignal | undefined): Promise<void> {
    const { space } = this.#place;
    const point = this.#output + PUT_POINT;
    if (timeout === 0 || !space.async.isCrowded(point)) {
      const outcome = this.#trySend(parcel, timeout === 0 ? 1 : 0);
      if (outcome === SENT) return;
      if (outcome === BROKEN || timeout === 0) {
        this.#discard(parcel);
        this.#notSent(outcome, timeout);
      }
    }
    // The codec's buffer is another's by then, and the caller may change the bytes.
    const kept: Parcel = {
      ...parcel,
      message: parcel.message?.keep(),
      bytes: parcel.message === undefined ? parcel.bytes.slice() : NO_BYTES,
    };
    await this.#wait<true>(point, {
      attempt: (tries) => {
        this.#stillOpen("send through connection", () => this.#discard(kept));
        const outcome = this.#trySend(kept, tries);
        if (outcome === undefined) return undefined;
        if (outcome === SENT) return true;
        this.#discard(kept);
        this.#notSent(outcome, timeout);
      },
      deadline: deadlineOf(timeout),
      expired: () => this.#notSent(undefined, timeout),
      abandoned: () => {
        this.#discard(kept);
        if (this.#place.at >= 0) this.#unbar(PUT_BAR, this.#output, PUT_POINT);
      },
      ordered: true,
      signal,
    });
  }

  #notSent(outcome: number | undefined, timeout: number): never {
    if (outcome === BROKEN) {
      throw new BrokenPipeError("Cannot send through connection as nobody holds the other end any more");
    }
    throw new TimeoutError(
      `Cannot send through connection as its buffer was full for all of the ${timeout} ms of 'timeout'`,
    );
  }

  // `woken`: 0 or less for newcomers. `undefined`: it has to wait.
  #tryRecv(onlyBytes: boolean, woken: number): number | undefined {
    const { words, space } = this.#place;
    const ring = this.#input;
    // One of many quick looks: as few loads as can be.
    if (woken < 0 && isEmpty(words, ring)) return undefined;
    if (space.isKilled()) space.exit();
    if (woken <= 0 && load(words, ring + GET_BAR) !== 0) return undefined;
    let position = beginGet(space, ring);
    if (position === 0 && woken >= 0 && this.#isBroken(true)) {
      // It may have sent something before it went.
      position = beginGet(space, ring);
      if (position === 0) return ENDED;
    }
    if (position === 0) {
      if (woken >= WOKEN_IN_VAIN) store(words, ring + GET_BAR, 1);
      return undefined;
    }
    const header = words[position];
    const tag = header & TAG;
    const isBytes = tag === RAW || tag === RAW_BLOCK;
    if (onlyBytes && !isBytes) {
      endGet(space, ring, position, false);
      notify(space, ring + GET_POINT, 1);
      return NOT_BYTES;
    }
    if (tag === RAW) {
      const start = (position + 1) * 4;
      incomingBytes = space.memory.bytes.slice(start, start + (header >>> SHIFT)) as Uint8Array<ArrayBuffer>;
      endGet(space, ring, position, true);
    } else if (tag === RAW_BLOCK) {
      const parcel = words[position + 1];
      const length = words[position + 2] >>> 0;
      endGet(space, ring, position, true);
      incomingBytes = openParcel(space, parcel, length);
    } else {
      incoming.load(space, position);
      endGet(space, ring, position, true);
    }
    if (woken > 0) this.#unbar(GET_BAR, ring, GET_POINT);
    return isBytes ? TAKEN_BYTES : TAKEN;
  }

  #recvSync(onlyBytes: boolean, options: WaitSyncOptions | undefined): unknown {
    const action = this.#checkInput("receive from connection");
    const timeout = options === undefined ? Infinity : validateWait(options, action);
    let outcome = this.#tryRecv(onlyBytes, timeout === 0 ? 1 : LOOK);
    if (outcome === undefined && timeout > 0) {
      const attempt = (woken: number): number | undefined => this.#tryRecv(onlyBytes, woken);
      outcome = block(this.#place.space, this.#input + GET_POINT, attempt, deadlineOf(timeout));
      if (outcome === undefined) this.#unbar(GET_BAR, this.#input, GET_POINT);
    }
    return this.#received(outcome, timeout);
  }

  async #recv(onlyBytes: boolean, options: WaitOptions | undefined): Promise<unknown> {
    const action = this.#checkInput("receive from connection");
    const timeout = validateWait(options, action);
    options?.signal?.throwIfAborted();
    const point = this.#input + GET_POINT;
    if (timeout === 0 || !this.#place.space.async.isCrowded(point)) {
      const outcome = this.#tryRecv(onlyBytes, timeout === 0 ? 1 : 0);
      if (outcome !== undefined || timeout === 0) return this.#received(outcome, timeout);
    }
    const taken = await this.#wait<{ value: unknown }>(point, {
      attempt: (tries) => {
        this.#stillOpen(action);
        const outcome = this.#tryRecv(onlyBytes, tries);
        return outcome === undefined ? undefined : { value: this.#received(outcome, timeout) };
      },
      deadline: deadlineOf(timeout),
      expired: () => this.#received(undefined, timeout) as never,
      abandoned: () => {
        if (this.#place.at >= 0) this.#unbar(GET_BAR, this.#input, GET_POINT);
      },
      ordered: true,
      signal: options?.signal,
    });
    return taken.value;
  }

  #received(outcome: number | undefined, timeout: number): unknown {
    switch (outcome) {
      case TAKEN:
        return incoming.read(this.#place.space);
      case TAKEN_BYTES: {
        const bytes = incomingBytes;
        incomingBytes = NO_BYTES;
        return bytes;
      }
      case NOT_BYTES:
        throw new TypeError(
          "Cannot receive bytes from connection as the next message is a value, which stays: use recv()",
        );
      case ENDED:
        throw new EOFError("Cannot receive from connection as nobody holds the other end any more");
      default:
        throw new TimeoutError(
          `Cannot receive from connection as nothing came in all of the ${timeout} ms of 'timeout'`,
        );
    }
  }

  #pollTimeout(options: WaitOptions | undefined): number {
    const action = this.#checkInput("poll connection");
    const timeout = validateWait(options, action);
    return options?.timeout === undefined ? 0 : timeout;
  }

  #isReadable(): boolean {
    return !isEmpty(this.#place.words, this.#input) || this.#isBroken(true);
  }

  #pollOnce(woken: number): true | undefined {
    this.#stillOpen("poll connection");
    if (this.#place.space.isKilled()) this.#place.space.exit();
    const readable = woken < 0 ? !isEmpty(this.#place.words, this.#input) : this.#isReadable();
    if (!readable) return undefined;
    // Woken in place of one who receives, perhaps.
    if (woken >= 0) notify(this.#place.space, this.#input + GET_POINT, 1);
    return true;
  }

  #stillOpen(action: string, otherwise?: () => void): void {
    if (this.#place.at >= 0) return;
    otherwise?.();
    throw new InvalidStateError(`Cannot ${action} as this connection was closed meanwhile`);
  }

  // The pipe stays while somebody waits in it, whatever is closed.
  async #wait<R>(point: number, wait: AsyncWait<R>): Promise<R> {
    const { space } = this.#place;
    pin(this.#place.words, this.#base);
    try {
      return await space.async.wait(point, wait);
    } finally {
      unpin(space, this.#pipe);
    }
  }

  #unbar(bar: number, ring: number, point: number): void {
    const { words } = this.#place;
    if (load(words, ring + bar) === 0) return;
    store(words, ring + bar, 0);
    notify(this.#place.space, ring + point, 1);
  }
}

const NO_BYTES: Uint8Array<ArrayBuffer> = new Uint8Array(0);

function isBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer;
}

registerClass("process", CONNECTION, Connection);
defineKind(CONNECTION, {
  destroy: (space, at) => {
    const pipe = load(space.words, at + PIPE);
    closeEnd(space, firstLine(pipe), load(space.words, at + END));
    unpin(space, pipe);
  },
  lost: (space, at) => lose(space, firstLine(load(space.words, at + PIPE)), load(space.words, at + END)),
  readiness: (space, at) => {
    const { words } = space;
    const base = firstLine(load(words, at + PIPE));
    const end = load(words, at + END);
    const input = isOneWay(words, base) && end === 1 ? 0 : ringOf(words, base, 1 - end);
    const output = isOneWay(words, base) ? ringOf(words, base, 1) : ringOf(words, base, end);
    return {
      points: [input === 0 ? output + PUT_POINT : input + GET_POINT],
      isReady: () => (input === 0 ? hasRoom(words, output) : !isEmpty(words, input)) || isGone(space, base, 1 - end),
    };
  },
});
