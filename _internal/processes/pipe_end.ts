/**
 * One end of a pipe, as one thread uses it: the attempts to send and receive, the check whether the other end is still
 * held, and the way in which the thread gives its own end up. Nothing waits here: an attempt that came too early returns
 * `undefined`.
 *
 * A thread gives an end up when its connection is closed, when the connection is garbage-collected, or when the thread ends.
 *
 * Each end has a connection, which is a shared object with three words: the address of the pipe's block, the side of the pipe
 * (0 or 1), and how many messages under way name it. The first two are written once.
 *
 * @module
 */

import { load, peek, store } from "../atomics.ts";
import { InvalidStateError } from "../errors.ts";
import { blockWords } from "../memory/allocator.ts";
import { CONNECTION, CONNECTION_MESSAGES, defineKind } from "../memory/kinds.ts";
import { firstLine, OBJECT_HEADER } from "../memory/memory.ts";
import {
  addReference,
  disposeOf,
  dropReference,
  onRelease,
  type Place,
  type SharedHandle,
} from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { type Wait, waitAsync } from "../memory/wait.ts";
import { ALL_SLEEPERS, notify, WOKEN_IN_VAIN } from "../memory/wait_point.ts";
import { isBytes, type Message } from "../queue/message.ts";
import {
  beginGet,
  beginPut,
  changesOf,
  closeEnd,
  countRoom,
  countWords,
  endGet,
  GET_BAR,
  GET_POINT,
  hasRoom,
  hold,
  isEmpty,
  isGone,
  isHeld,
  isOneWay,
  letGo,
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
import { WaitHistory } from "./pipe_wait.ts";
import { noticeEnds } from "./process_record.ts";

const PIPE = 0;
const SIDE = 1;
export const CONNECTION_WORDS: number = CONNECTION_MESSAGES + 1;

/**
 * For how many milliseconds a thread relies on having found that the other end is held. They are read from the system clock, which
 * is cheaper than `now`. A step of that clock causes a needless look, or ends the reliance that much later.
 */
const BELIEVED = 2;

/** Outcomes of an attempt to send: the message was sent; no thread holds the other end any more. */
export const SENT = 1;
export const BROKEN = 2;

/**
 * Outcomes of an attempt to receive: a message was taken; the next message is a value although bytes were asked for;
 * there is no message and no thread holds the other end any more.
 */
const RECEIVED = 1;
export const NOT_BYTES = 2;
export const ENDED = 3;

/** An end of a new pipe. `Pipe` passes it to the constructor of a connection in place of options. */
export class NewEnd {
  readonly pipe: number;
  readonly side: number;

  constructor(pipe: number, side: number) {
    this.pipe = pipe;
    this.side = side;
  }

  /** Writes the words of the connection. */
  initialize(words: Int32Array, at: number): void {
    store(words, at + PIPE, this.pipe);
    store(words, at + SIDE, this.side);
    setObject(words, firstLine(this.pipe), this.side, at - OBJECT_HEADER);
  }
}

// All ends of this thread. The thread gives them up itself when it ends, as its finalizers may not run any more.
const ends = new Set<End>();

const dropped = new FinalizationRegistry<End>((end) => end.drop());

onRelease((ended) => {
  for (const end of ends) if (end.space === ended) end.giveUp();
});

/** One end of a pipe, as one thread has it. */
export class End {
  /** The memory of the pipe. */
  readonly space: Space;
  /** The ring from which this end receives; 0: it only sends. */
  readonly input: number;
  /** The ring to which this end sends; 0: it only receives. */
  readonly output: number;
  readonly #pipe: number;
  readonly #base: number;
  readonly #side: number;
  readonly #object: number;
  // Weak, so that the set of all ends does not keep the connections alive.
  readonly #connection: WeakRef<SharedHandle>;
  #held = false;
  /** When this thread last found that the other end is held, and the number of changes of its holders at that time. */
  #seenAt = -Infinity;
  #seenChanges = -1;
  /** How this thread waits for messages, and for room. */
  readonly receiving = new WaitHistory();
  readonly sending = new WaitHistory();

  /** Makes the end of a connection that was just created or received. */
  constructor(connection: SharedHandle, { space, at }: Place, isReceived: boolean) {
    const { words } = space;
    this.space = space;
    this.#pipe = load(words, at + PIPE);
    this.#side = load(words, at + SIDE);
    this.#base = firstLine(this.#pipe);
    this.#object = at - OBJECT_HEADER;
    this.input = inputOf(words, this.#base, this.#side);
    this.output = outputOf(words, this.#base, this.#side);
    this.#connection = new WeakRef(connection);
    // A received end is held at once, before the message no longer counts. Otherwise the end would look closed in between.
    if (isReceived) this.hold();
    // A reference of its own, because the connection may be garbage before this end is given up.
    addReference(space, this.#object);
    ends.add(this);
    dropped.register(connection, this, connection);
  }

  /** Makes this thread a holder of the end. Called at each use; only the first call has an effect. */
  hold(): void {
    if (this.#held) return;
    hold(this.space, this.#base, this.#side);
    this.#held = true;
  }

  /** Whether there is a message, or the other end is closed. */
  isReadable(): boolean {
    return !isEmpty(this.space.words, this.input) || this.#isBroken(true);
  }

  /**
   * The attempt of a wait for {@linkcode End.isReadable}. `undefined`: not yet. The wait may have taken a wake-up that
   * was meant for a receiver, but it takes no message. So it notifies the next waiter.
   */
  tryPoll(woken: number): true | undefined {
    const { space, input } = this;
    if (space.isKilled()) space.exit();
    const isReadable = woken < 0 ? !isEmpty(space.words, input) : this.isReadable();
    if (!isReadable) return undefined;
    if (woken >= 0) notify(space, input + GET_POINT, 1);
    return true;
  }

  /**
   * 1 if {@linkcode End.trySend} seems to have room for the message, or would return {@linkcode BROKEN}. 0 if not; then it bars
   * newcomers as `trySend` does.
   */
  roomFor(message: Message, woken: number): number {
    const { space: { words }, output } = this;
    if (countRoom(words, output) >= wordsOf(message)) return 1;
    if ((woken > 0 || !this.#isBelieved()) && this.#isBroken(woken > 0)) return 1;
    if (woken >= WOKEN_IN_VAIN) store(words, output + PUT_BAR, 1);
    return 0;
  }

  /**
   * Tries to send a message: {@linkcode SENT} or {@linkcode BROKEN}; `undefined`: there is no room yet. `woken` is 0 or
   * less for a newcomer, which the bar keeps off.
   */
  trySend(message: Message, woken: number): number | undefined {
    const { space, output: ring } = this;
    const { words } = space;
    space.endIfKilled();
    if ((woken > 0 || !this.#isBelieved()) && !this.#wakesReceiver() && this.#isBroken(woken > 0)) return BROKEN;
    if (woken <= 0 && peek(words, ring + PUT_BAR) !== 0) return undefined;
    const position = beginPut(space, ring, message.size, wordsOf(message));
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
   * Tries to take the next message. `undefined`: there is no message yet. After {@linkcode RECEIVED}, the caller must
   * unpack the message before it does anything else. With `onlyBytes`, a message that is a value stays:
   * {@linkcode NOT_BYTES}. `woken` is 0 or less for a newcomer, which the bar keeps off.
   */
  tryReceive(message: Message, onlyBytes: boolean, woken: number): number | undefined {
    const { space, input: ring } = this;
    const { words } = space;
    // This is one of many quick looks, so it makes as few loads as possible.
    if (woken < 0 && isEmpty(words, ring)) return undefined;
    space.endIfKilled();
    if (woken <= 0 && peek(words, ring + GET_BAR) !== 0) return undefined;
    let position = beginGet(space, ring);
    // A thread that was not woken yet sleeps after this attempt for a slice at most, and then it looks exactly.
    if (position === 0 && woken >= 0 && (woken > 0 || !this.#isBelieved()) && this.#isBroken(true)) {
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
    const { space: { words }, output } = this;
    if (peek(words, output + PUT_BAR) === 0) return;
    store(words, output + PUT_BAR, 0);
    // While the bar was set, newcomers may have gone to sleep although there was room for them. No other notification wakes
    // them for it.
    this.#notifyUpTo(countRoom(words, output), output + PUT_POINT);
  }

  /** Lets newcomers receive again. */
  unbarReceive(): void {
    const { space: { words }, input } = this;
    if (peek(words, input + GET_BAR) === 0) return;
    store(words, input + GET_BAR, 0);
    // As in `unbarSend`.
    this.#notifyUpTo(countWords(words, input), input + GET_POINT);
  }

  // A message has one word or more, so there is nothing for more waiters than there are words.
  #notifyUpTo(count: number, point: number): void {
    if (count > 0) notify(this.space, point, Math.min(count, ALL_SLEEPERS));
  }

  /** Notes that a message has come for which this thread slept: the thread that sent it was alive just now. */
  noteSender(): void {
    this.#seenAt = Math.max(this.#seenAt, this.receiving.until);
  }

  // Whether this thread has found only milliseconds ago that the other end is held, and the holders are still the same. To
  // find that out takes system calls.
  #isBelieved(): boolean {
    return this.#isUnchanged() && Math.abs(Date.now() - this.#seenAt) < BELIEVED;
  }

  #isUnchanged(): boolean {
    return changesOf(this.space.words, this.#base, 1 - this.#side) === this.#seenChanges;
  }

  // Wakes a receiver that sleeps at the other end, before its message is there. If there is one, the other end is held, and this
  // thread sends the message while the receiver wakes up. A receiver that is too fast for that sleeps again, and `publish` wakes
  // it like any other.
  #wakesReceiver(): boolean {
    const { space, output: ring } = this;
    const point = ring + GET_POINT;
    if ((peek(space.words, point) & ALL_SLEEPERS) === 0 || !this.#isUnchanged()) return false;
    if (space.memory.notify(point, 1) === 0) return false;
    this.#seenAt = Date.now();
    return true;
  }

  // Whether no thread holds the other end any more. If it must be exact, it asks the system which children have ended. A child may
  // have ended before it received that end. This thread learns of that in its event loop, which may not be turning now.
  #isBroken(exactly: boolean): boolean {
    const { space } = this;
    const other = 1 - this.#side;
    const changes = changesOf(space.words, this.#base, other);
    if (isHeld(space, this.#base, other)) {
      this.#seenChanges = changes;
      this.#seenAt = Date.now();
      return false;
    }
    if (isGone(space, this.#base, other)) return true;
    if (!exactly) return false;
    noticeEnds(space);
    return isGone(space, this.#base, other);
  }

  /** Returns a promise for what the wait describes. It rejects if this thread closes the connection. */
  wait<T>(wait: Wait<T>, timeout: number, signal: AbortSignal | undefined): Promise<T> {
    return waitAsync(this, wait, timeout, signal);
  }

  /** Gives the end up, and closes its connection. Does nothing if it was given up before. */
  close(): void {
    const { space, input, output } = this;
    if (!ends.has(this)) return;
    pin(space.words, this.#base);
    const connection = this.#connection.deref();
    if (connection !== undefined) dropped.unregister(connection);
    this.#evict();
    this.drop();
    if (connection !== undefined) disposeOf(connection);
    // Only now, because this thread may have been the last holder. Waiters at the other end then see that this end is gone.
    tellOther(space, this.#base, this.#side);
    if (input !== 0) notify(space, input + GET_POINT, ALL_SLEEPERS);
    if (output !== 0) notify(space, output + PUT_POINT, ALL_SLEEPERS);
    unpin(space, this.#pipe);
  }

  // Rejects the promises of this thread that wait here. None may put the bit of this thread's doorbell back once the pipe is freed.
  #evict(): void {
    const { space } = this;
    if (!space.async.isBusy) return;
    // Without another end of the pipe, this thread may not even look whether one of them is ready.
    let place: End | undefined;
    for (const end of ends) if (end !== this && end.#pipe === this.#pipe && end.space === space) place = this;
    space.async.evict(this.#pipe, this.#pipe + blockWords(space.memory, this.#pipe), place, () => {
      return new InvalidStateError("Cannot wait any longer as this connection was closed meanwhile");
    });
  }

  /** Whether it is the end of that connection. */
  isOf(connection: object): boolean {
    return this.#connection.deref() === connection;
  }

  /** In a thread that ends: closes the connection, or gives the end up if the connection was garbage-collected. */
  giveUp(): void {
    if (this.#connection.deref() === undefined) this.drop();
    else this.close();
  }

  /** Gives the end up after its connection was garbage-collected. */
  drop(): void {
    // The thread gave it up when it ended.
    if (!ends.delete(this)) return;
    const { space } = this;
    if (this.#held) letGo(space.words, this.#base, this.#side, space.id);
    dropReference(space, this.#object);
  }
}

// How many words of the ring a message takes.
function wordsOf(message: Message): number {
  return message.parcel === 0 ? message.size : wordsForParcel(message.second);
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
  // As for a new handle: the thread is a holder before the message no longer counts.
  receivedAgain: (connection) => {
    for (const end of ends) if (end.isOf(connection)) end.hold();
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
