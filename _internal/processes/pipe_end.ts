/**
 * A thread's hold on one end of a pipe: what it sends there and takes there, whether the other end is still held, and how the
 * thread gives its own up. Nothing waits here: an attempt says that it came too early.
 *
 * An end is given up when its connection is closed, when the garbage collector finds that the connection was dropped, or when
 * the thread ends.
 *
 * Words of a connection, which is an object of its own: the block of the pipe, and which side of it this is.
 *
 * @module
 */

import { load, now, store } from "../atomics.ts";
import { CONNECTION, defineKind } from "../memory/kinds.ts";
import { firstLine, OBJECT_HEADER } from "../memory/memory.ts";
import { addReference, disposeOf, onRelease, type Place, type SharedHandle } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { type Wait, waitAsync } from "../memory/wait.ts";
import { EVERYBODY, notify, WOKEN_IN_VAIN } from "../memory/wait_point.ts";
import { isBytes, type Message } from "../queue/message.ts";
import {
  beginGet,
  beginPut,
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
  ringOf,
  setObject,
  tellOther,
  unpin,
  wordsForParcel,
} from "./pipe.ts";
import { noticeEnds } from "./process_record.ts";

const PIPE = 0;
const SIDE = 1;
export const CONNECTION_WORDS = 2;

/** For so many milliseconds a sender takes the other end to be held after it has found that it is. */
const BELIEVED = 2;

/** What came of an attempt to send. */
export const SENT = 1;
export const BROKEN = 2;

/** What came of an attempt to receive. */
const RECEIVED = 1;
export const NOT_BYTES = 2;
export const ENDED = 3;

/** In place of options: an end of a pipe that is new. */
export class NewEnd {
  constructor(readonly pipe: number, readonly side: number) {}

  /** Writes the words of its connection. */
  initialize(words: Int32Array, at: number): void {
    store(words, at + PIPE, this.pipe);
    store(words, at + SIDE, this.side);
    setObject(words, firstLine(this.pipe), this.side, at - OBJECT_HEADER);
  }
}

// All ends that this thread has: it gives them up itself when it ends, for then no finalizer runs.
const ends = new Set<End>();

const dropped = new FinalizationRegistry<End>((end) => end.drop());

onRelease((ended) => {
  for (const end of ends) if (end.space === ended) end.giveUp();
});

/** One end, as one thread has it. */
export class End {
  /** The memory in which the pipe is. */
  readonly space: Space;
  /** The ring that is received from; 0: none. */
  readonly input: number;
  /** The ring that is sent to; 0: none. */
  readonly output: number;
  readonly #pipe: number;
  readonly #base: number;
  readonly #side: number;
  readonly #object: number;
  // Weak, since what is known of all ends must not keep the connections alive.
  readonly #connection: WeakRef<SharedHandle>;
  #held = false;
  /** When the other end was found to be held, and the number of changes then. */
  #seenAt = -Infinity;
  #seenChanges = 0;

  /** The end of a connection that was made or received just now. */
  constructor(connection: SharedHandle, { space, words, at }: Place, isReceived: boolean) {
    this.space = space;
    this.#pipe = load(words, at + PIPE);
    this.#side = load(words, at + SIDE);
    this.#base = firstLine(this.#pipe);
    this.#object = at - OBJECT_HEADER;
    this.input = inputOf(words, this.#base, this.#side);
    this.output = outputOf(words, this.#base, this.#side);
    this.#connection = new WeakRef(connection);
    // Received: before the message's reference is dropped, so that the end is not taken for closed in between.
    if (isReceived) this.hold();
    addReference(space, this.#object);
    countHandle(words, this.#base, this.#side, 1);
    ends.add(this);
    dropped.register(connection, this, connection);
  }

  /** Enters this thread as a holder of the end, at its first use. */
  hold(): void {
    if (this.#held) return;
    hold(this.space, this.#base, this.#side);
    this.#held = true;
  }

  /** Whether something can be received: a message, or that the other end is closed. */
  isReadable(): boolean {
    return !isEmpty(this.space.words, this.input) || this.#isBroken(true);
  }

  /** Looks for that in the place of a thread that receives, and so passes a wake-up on. `undefined`: not yet. */
  tryPoll(woken: number): true | undefined {
    const { space, input } = this;
    if (space.isKilled()) space.exit();
    const isReadable = woken < 0 ? !isEmpty(space.words, input) : this.isReadable();
    if (!isReadable) return undefined;
    if (woken >= 0) notify(space, input + GET_POINT, 1);
    return true;
  }

  /**
   * Sends a message: {@linkcode SENT} or {@linkcode BROKEN}; `undefined`: it has to wait. `woken` is 0 or less for newcomers,
   * which the bar keeps off.
   */
  trySend(message: Message, woken: number): number | undefined {
    const { space, output: ring } = this;
    const { words } = space;
    if (space.isKilled()) space.exit();
    if (this.#isBroken(woken > 0)) return BROKEN;
    if (woken <= 0 && load(words, ring + PUT_BAR) !== 0) return undefined;
    const { size } = message;
    const position = beginPut(space, ring, size, message.parcel === 0 ? size : wordsForParcel(message.second));
    if (position === 0) {
      if (woken >= WOKEN_IN_VAIN) store(words, ring + PUT_BAR, 1);
      return undefined;
    }
    message.writeTo(space, position);
    publish(space, ring);
    if (woken > 0) this.unbarSend();
    return SENT;
  }

  /**
   * Takes the next message: {@linkcode RECEIVED}, then it must be read before anything else is done; {@linkcode ENDED}; or
   * {@linkcode NOT_BYTES}, where only bytes are wanted: it stays. `undefined`: it has to wait.
   */
  tryReceive(message: Message, onlyBytes: boolean, woken: number): number | undefined {
    const { space, input: ring } = this;
    const { words } = space;
    // One of many quick looks: as few loads as can be.
    if (woken < 0 && isEmpty(words, ring)) return undefined;
    if (space.isKilled()) space.exit();
    if (woken <= 0 && load(words, ring + GET_BAR) !== 0) return undefined;
    let position = beginGet(space, ring);
    if (position === 0 && woken >= 0 && this.#isBroken(true)) {
      // The last holder of the other end may have sent a message before it gave the end up.
      position = beginGet(space, ring);
      if (position === 0) return ENDED;
    }
    if (position === 0) {
      if (woken >= WOKEN_IN_VAIN) store(words, ring + GET_BAR, 1);
      return undefined;
    }
    if (onlyBytes && !isBytes(words[position])) {
      endGet(space, ring, position, false);
      notify(space, ring + GET_POINT, 1);
      return NOT_BYTES;
    }
    message.readFrom(space, position);
    endGet(space, ring, position, true);
    if (woken > 0) this.unbarReceive();
    return RECEIVED;
  }

  /** Lets newcomers send again. */
  unbarSend(): void {
    this.#unbar(this.output + PUT_BAR, this.output + PUT_POINT);
  }

  /** Lets newcomers receive again. */
  unbarReceive(): void {
    this.#unbar(this.input + GET_BAR, this.input + GET_POINT);
  }

  #unbar(bar: number, point: number): void {
    const { words } = this.space;
    if (load(words, bar) === 0) return;
    store(words, bar, 0);
    notify(this.space, point, 1);
  }

  // Looks at the other end at most every few milliseconds, unless its holders changed.
  #isBroken(exactly: boolean): boolean {
    const { space } = this;
    const other = 1 - this.#side;
    const changes = changesOf(space.words, this.#base, other);
    const time = now();
    if (!exactly && changes === this.#seenChanges && time - this.#seenAt < BELIEVED) return false;
    if (isGone(space, this.#base, other)) return true;
    // A child that was to have that end may have ended without taking it, and this thread's event loop, which would tell, may
    // not turn.
    if (exactly && !isHeld(space, this.#base, other)) {
      noticeEnds(space);
      if (isGone(space, this.#base, other)) return true;
    }
    this.#seenChanges = changes;
    this.#seenAt = time;
    return false;
  }

  /** A promise for what is waited for here. The pipe stays meanwhile, whatever is closed. */
  async wait<T>(wait: Wait<T>, timeout: number, signal: AbortSignal | undefined): Promise<T> {
    pin(this.space.words, this.#base);
    try {
      return await waitAsync(this.space, wait, timeout, signal);
    } finally {
      unpin(this.space, this.#pipe);
    }
  }

  /** Gives the end up, and the connection with it. Does nothing where that was done. */
  close(): void {
    const { space, input, output } = this;
    if (!ends.has(this)) return;
    pin(space.words, this.#base);
    const connection = this.#connection.deref();
    if (connection !== undefined) dropped.unregister(connection);
    this.drop();
    if (connection !== undefined) disposeOf(connection);
    // By now this thread, the last holder perhaps, holds the end no more; and what waits here finds out that it is closed.
    tellOther(space, this.#base, this.#side);
    if (input !== 0) notify(space, input + GET_POINT, EVERYBODY);
    if (output !== 0) notify(space, output + PUT_POINT, EVERYBODY);
    unpin(space, this.#pipe);
  }

  /** In a thread that ends: closes the connection, if it is there still. */
  giveUp(): void {
    if (this.#connection.deref() === undefined) this.drop();
    else this.close();
  }

  /** Gives up what the end itself has: the connection was dropped. */
  drop(): void {
    ends.delete(this);
    dropHandle(this.space, this.#base, this.#side, this.#object, this.#held);
  }
}

function inputOf(words: Int32Array, base: number, side: number): number {
  return isOneWay(words, base) && side === 1 ? 0 : ringOf(words, base, 1 - side);
}

function outputOf(words: Int32Array, base: number, side: number): number {
  return isOneWay(words, base) && side === 0 ? 0 : ringOf(words, base, side);
}

defineKind(CONNECTION, {
  destroy: (space, at) => {
    const pipe = load(space.words, at + PIPE);
    closeEnd(space, firstLine(pipe), load(space.words, at + SIDE));
    unpin(space, pipe);
  },
  lost: (space, at) => lose(space, firstLine(load(space.words, at + PIPE)), load(space.words, at + SIDE)),
  readiness: (space, at) => {
    const { words } = space;
    const base = firstLine(load(words, at + PIPE));
    const side = load(words, at + SIDE);
    const input = inputOf(words, base, side);
    const output = outputOf(words, base, side);
    return {
      points: [input === 0 ? output + PUT_POINT : input + GET_POINT],
      isReady: () => (input === 0 ? hasRoom(words, output) : !isEmpty(words, input)) || isGone(space, base, 1 - side),
    };
  },
});
