/**
 * Two words at which threads wait for a change somewhere else: an event count.
 *
 * ```text
 *   word 0   epoch << 12 | sleepers     blocked threads sleep on this word
 *   word 1   a bit for each doorbell of threads with promises that wait here
 * ```
 *
 * A waiter registers, then looks once more at what it waits for, and only then sleeps. A notifier makes its change, and
 * only then looks whether a waiter is registered. The operations are sequentially consistent, so the waiter sees the
 * change or the notifier sees the waiter, and no wake-up is lost.
 *
 * The notifier subtracts the sleepers that it wakes from the count. So a burst of changes wakes each sleeper once, and
 * not once for each change, until it has run and registered again. A waiter that leaves without having been notified
 * subtracts itself, but only if the epoch is still that of its registration: after that it cannot tell whether the
 * notifier has done so. So a count can be too high, which costs a call that wakes no thread, but never too low.
 *
 * Promises are notified in another way. A thread may be busy or blocked elsewhere when its promise would be chosen, and
 * must not keep the change from the others. So each thread with promises here leaves the bit of its doorbell, a
 * notifier rings all of those bells, and a thread whose promises still wait leaves its bit again.
 *
 * @module
 */

import { add, compareExchange, exchange, load, now, or, pause, peek, peeksPlainly, store } from "../atomics.ts";
import { NotSupportedError } from "../errors.ts";
import { mayBlock } from "../runtime/runtime.ts";
import { BELL_COUNT, BELL_STRIDE, BELLS_AT, type Memory } from "./memory.ts";
import { PARKED, seeToOthers } from "./participants.ts";

/** A thread in a memory, with what waiting needs to know of it: a `Space`. */
export interface WaitingThread {
  readonly memory: Memory;
  readonly words: Int32Array;
  /** Where its entry in the table of participants is. */
  readonly entry: number;
  /** The index of its doorbell. */
  readonly bell: number;
  /** How many pauses it makes between looks before it sleeps. */
  readonly spins: number;
  /** When it last began to block, on the clock of `now`. */
  blockedAt: number;
  /** When it last woke another thread. */
  wokeAt: number;
  /** Its promises. */
  readonly async: { wake(): void };
  /** Whether another thread asked this thread to end. */
  isKilled(): boolean;
  /** Stops this thread at once. */
  exit(): never;
}

// A copy: see {@linkcode peeksPlainly}.
const isPlain = peeksPlainly;

/** Words of a wait point. */
export const WAIT_POINT_WORDS = 2;

/** The longest sleep before a thread looks whether another thread has died, in milliseconds. */
export const SLICE_MS = 200;

const SLEEPERS = 0xfff;
/** The most sleepers that a wait point can count. Notifying that many wakes all of them. */
export const ALL_SLEEPERS = SLEEPERS;
const EPOCH = 0x1000;
/** A thread that blocks again within so many milliseconds is busy with the others. */
const BUSY_MS = 0.3;
/** A thread that was woken less than so many milliseconds ago has not run yet. */
const JUST_MS = 0.02;
/** How many pauses a thread makes between looks before it sleeps, if the machine has more than one processor. */
export const DEFAULT_SPINS = 400;

/**
 * What {@linkcode block} passes to each of its quick attempts before the thread registers. After wake-ups that were in
 * vain, quick attempts get lower numbers.
 */
export const LOOK = -1;

/**
 * What an attempt gets that is the only one: of a `try` form, or with a timeout of 0. The bar does not keep it off, as it cannot
 * wait for its turn. A waiter that was killed leaves its bar behind, and nothing but an acquisition takes that away: if the bar
 * held for such attempts, they would fail from then on, however long nothing is held.
 */
export const PASSING = 1;

/** Pauses between the looks of a waiter for something that may come at any moment: a message, an event. */
export const PROMPT = 1;
/**
 * Pauses between the looks of a waiter for something that others use all the time. Each look takes the cache line away
 * from a thread at work. A holder that is left alone for a few microseconds acquires and releases a lock a hundred
 * times, and a producer fills some cache lines.
 */
export const CONTENDED = 4;
/** As {@linkcode CONTENDED}, for a waiter that has taken quick looks of its own before it began to wait. */
export const LOOKED = 0;
/** The most pauses between two looks, as a multiple of the first. */
const SLOWEST = 12;

/**
 * How often a waiter is woken in vain before it puts up a bar.
 *
 * A woken waiter has no claim to what it waits for, and a running thread may take it first. Handing it over would make
 * all threads wait until the woken thread runs. But after this many wake-ups in vain the waiter puts up a bar, and from
 * then on only threads that have waited may take what is there. The next of those threads that takes it removes the
 * bar. So no waiter is overtaken for longer than it takes to be woken this often, and once more for each waiter in
 * front of it.
 *
 * A waiter that gives up takes the bar away and notifies, since newcomers that the bar kept off may sleep although what
 * they want is there. If the bar was another waiter's, that waiter puts it up again when it is overtaken again.
 */
export const WOKEN_IN_VAIN = 4;

/**
 * Whether {@linkcode notify} would find a thread or a promise that waits here. The same rule applies: call it after an atomic
 * operation that writes. Hot paths ask this first, with an array of a fixed length: the function is small enough to be
 * inlined, so a point without waiters costs no call.
 */
export function isAwaited(words: Int32Array, point: number): boolean {
  return ((isPlain ? words[point] : load(words, point)) & SLEEPERS) !== 0 ||
    (isPlain ? words[point + 1] : load(words, point + 1)) !== 0;
}

/**
 * Wakes up to `count` of the blocked threads, and all promises, that wait here. Call it after making the change, by an atomic
 * operation that writes: the reads below come after that operation.
 */
export function notify(space: WaitingThread, point: number, count: number): void {
  const { words } = space;
  if ((peek(words, point) & SLEEPERS) !== 0) notifySleepers(space, point, count);
  if (peek(words, point + 1) !== 0) ring(space, point);
}

function notifySleepers(space: WaitingThread, point: number, count: number): void {
  const words = space.words;
  for (;;) {
    const seen = load(words, point);
    const woken = Math.min(seen & SLEEPERS, count);
    if (woken === 0) return;
    if (compareExchange(words, point, seen, (seen + EPOCH - woken) | 0) === seen) {
      space.wokeAt = now();
      space.memory.notify(point, woken);
      return;
    }
  }
}

function ring(space: WaitingThread, point: number): void {
  const words = space.words;
  const bells = exchange(words, point + 1, 0);
  space.wokeAt = now();
  for (let bell = 0; bell < BELL_COUNT; bell++) {
    if ((bells & (1 << bell)) === 0) continue;
    if (bell === space.bell) space.async.wake();
    const at = BELLS_AT + bell * BELL_STRIDE;
    add(words, at, 1);
    space.memory.notify(at, 0x7fffffff);
  }
}

/** Leaves the bit of this thread's doorbell at the wait point. Returns whether the bit was not there. */
export function arm(space: WaitingThread, point: number): boolean {
  return (or(space.words, point + 1, 1 << space.bell) & (1 << space.bell)) === 0;
}

/** Whether the bit of this thread's doorbell is still there: no thread has notified. */
export function isArmed(space: WaitingThread, point: number): boolean {
  return (load(space.words, point + 1) & (1 << space.bell)) !== 0;
}

/** Adds a sleeper. Returns the word to pass to {@linkcode sleep} and {@linkcode unregister}. */
export function register(space: WaitingThread, point: number): number {
  const words = space.words;
  for (;;) {
    const seen = load(words, point);
    // A full count stays full. A notifier may then wake too few sleepers, and the others look again after their slice.
    const registered = (seen & SLEEPERS) === SLEEPERS ? seen : seen + 1;
    if (compareExchange(words, point, seen, registered) === seen) return registered;
  }
}

/** Takes a sleeper that was not notified off the count. */
export function unregister(space: WaitingThread, point: number, registered: number): void {
  const words = space.words;
  for (;;) {
    const seen = load(words, point);
    if ((seen ^ registered) >>> 12 !== 0 || (seen & SLEEPERS) === 0) return;
    if (compareExchange(words, point, seen, seen - 1) === seen) return;
  }
}

/**
 * Sleeps until the wait point is notified or `ms` milliseconds have passed. Returns whether it was notified since the
 * registration.
 *
 * Ends the thread if another thread asked it to end.
 */
export function sleep(space: WaitingThread, point: number, registered: number, ms: number): boolean {
  const words = space.words;
  const until = now() + ms;
  store(words, space.entry + PARKED, point);
  try {
    for (;;) {
      if (space.isKilled()) {
        store(words, space.entry + PARKED, 0);
        // The notification was meant to make a waiter look: pass it on.
        notify(space, point, 1);
        space.exit();
      }
      const seen = load(words, point);
      if ((seen ^ registered) >>> 12 !== 0) return true;
      const left = until - now();
      if (left <= 0) return false;
      space.memory.wait(point, seen, left);
      seeToOthers();
    }
  } finally {
    store(words, space.entry + PARKED, 0);
  }
}

/** The pauses of a {@linkcode Pace} between two looks: at first, and at most. A pause takes some 20 ns. */
const FIRST_GAP = 8;
const LONGEST_GAP = 128;
/** How many pauses the looks take in all: about as long as the system needs to wake a thread. */
const PATIENCE = 2400;
/** The same for a thread with an event loop, which does nothing else meanwhile. */
export const LITTLE_PATIENCE = 400;
/** After a wait that was shorter than so many milliseconds, the next one may be as short. */
const SHORT_MS = 0.5;
/** When a look finds as many items as this, longer pauses would save nothing. */
const PLENTY = 64;
/** For how many waits a thread sleeps at once, at most, after looks in vain. */
const MOST_RESTS = 16;

/**
 * The quick looks of a thread at something that others fill: items in a queue, or room in it.
 *
 * Each look takes a cache line away from the thread that fills, and costs both as much as several items. So a thread that finds
 * more than one item pauses twice as long before its next look, until it finds plenty at once. A thread that finds a single
 * item may be the only one that waits for it, and looks sooner again.
 *
 * Looking is in vain if the other side takes milliseconds. So a thread looks only if its last wait was short.
 *
 * It is also in vain if the other side is ready to run on the same processor, where the system often puts a thread that was
 * just woken. The other side then runs as soon as this thread sleeps, so its waits are short, and each look only delays it. So
 * after looks in vain a thread sleeps at once for the next wait, after further ones for the next 2, 4, … waits.
 */
export class Pace {
  #gap = FIRST_GAP;
  #isQuick = true;
  #began = 0;
  /** For how many waits this thread sleeps at once, and for how many it did so after the last look in vain. */
  #rests = 0;
  #lastRests = 0;
  #pauses = CONTENDED;

  /** How the wait looks that follows a {@linkcode Pace.find} in vain: its `Wait.pauses`. */
  get pauses(): number {
    return this.#pauses;
  }

  /**
   * Whether a look found something. If not, the caller waits, and then calls {@linkcode Pace.end}.
   *
   * @param count Returns how much there is to find. It must read at least one word by `load`.
   */
  find(space: WaitingThread, count: () => number, patience: number = PATIENCE): boolean {
    if (space.spins === 0) return false;
    if (this.#rests > 0) {
      this.#rests--;
      return false;
    }
    this.#began = now();
    this.#pauses = CONTENDED;
    // As in `block`: a thread that was just woken has to answer first.
    if (!this.#isQuick || this.#began - space.wokeAt < JUST_MS) return false;
    let gap = this.#gap;
    for (let left = patience; left > 0; left -= gap) {
      for (let i = 0; i < gap; i++) pause();
      const found = count();
      if (found > 0) {
        if (found === 1) this.#gap = Math.max(this.#gap >> 1, FIRST_GAP);
        else if (found < PLENTY) this.#gap = Math.min(this.#gap * 2, LONGEST_GAP);
        this.#lastRests = 0;
        return true;
      }
      if (gap < LONGEST_GAP) gap *= 2;
    }
    this.#rests = this.#lastRests = Math.min(this.#lastRests * 2 || 1, MOST_RESTS);
    this.#pauses = LOOKED;
    return false;
  }

  /** Learns from a wait that followed a {@linkcode Pace.find} in vain. */
  end(): void {
    if (this.#began === 0) return;
    this.#isQuick = now() - this.#began < SHORT_MS;
    this.#gap = FIRST_GAP;
    this.#began = 0;
  }
}

/** Throws a `NotSupportedError` if this thread cannot block. */
export function requireBlocking(): void {
  if (mayBlock) return;
  throw new NotSupportedError(
    "Cannot block the main thread of a browser: write await and the form without 'Sync', or do this in a worker",
  );
}

/**
 * Blocks this thread until `attempt` returns something other than `undefined`, and returns that; `undefined` if the
 * deadline has passed.
 *
 * `attempt` gets {@linkcode LOOK} while this thread has not registered, or {@linkcode PASSING} if it will not wait, and then the
 * number of times that it was woken in vain. The quick looks after a wake-up get less than LOOK. The last attempt is made after the deadline, so a
 * success that races with the deadline is a success.
 *
 * `pauses` is how long to wait between the first quick looks: {@linkcode PROMPT}, {@linkcode CONTENDED} or
 * {@linkcode LOOKED}.
 */
export function block<T>(
  space: WaitingThread,
  point: number,
  attempt: (woken: number) => T | undefined,
  deadline: number,
  pauses: number = PROMPT,
): T | undefined {
  let result = attempt(deadline === 0 ? PASSING : LOOK);
  if (result !== undefined) return result;
  if (deadline !== Infinity && deadline <= now()) return undefined;
  const gap = pauses === LOOKED ? CONTENDED : pauses;
  if (space.spins > 0 && isSpinningWorthIt(space) && pauses !== LOOKED) {
    result = look(space, point, attempt, LOOK, space.spins, gap);
    if (result !== undefined) return result;
  }
  requireBlocking();
  let notified = false;
  for (let woken = 0;; woken++) {
    // A woken waiter competes like any running thread, and a waiter that has just set the bar gets its turn at once.
    if (notified && space.spins > 0) {
      result = attempt(woken) ?? look(space, point, attempt, LOOK - woken, space.spins, gap);
      if (result !== undefined) return result;
    }
    const registered = register(space, point);
    notified = false;
    try {
      result = attempt(woken);
      if (result !== undefined) return result;
      const left = deadline === Infinity ? SLICE_MS : deadline - now();
      if (left <= 0) return undefined;
      notified = sleep(space, point, registered, Math.min(left, SLICE_MS));
    } finally {
      if (!notified) unregister(space, point, registered);
    }
  }
}

/**
 * Whether a look within the next microseconds may find something.
 *
 * It cannot if this thread has just woken another, which has to answer first: the system needs longer for a wake-up. A thread
 * that sleeps at once also leaves its processor, warm and awake, to the woken thread. But if this thread has blocked within
 * this moment already, it and the others work in turns. Then all of them had better stay awake.
 */
function isSpinningWorthIt(space: WaitingThread): boolean {
  const time = now();
  const isWorthIt = time - space.wokeAt > JUST_MS || time - space.blockedAt < BUSY_MS;
  space.blockedAt = time;
  return isWorthIt;
}

// Looks again and again, with longer and longer pauses. For something that has not come soon, a slightly later look
// costs little.
function look<T>(
  space: WaitingThread,
  point: number,
  attempt: (woken: number) => T | undefined,
  woken: number,
  spins: number,
  pauses: number,
): T | undefined {
  let gap = pauses;
  for (let left = spins; left > 0; left -= gap) {
    for (let i = 0; i < gap; i++) pause();
    // The atomic operation that a loop of `peek`s needs.
    load(space.words, point);
    const result = attempt(woken);
    if (result !== undefined) return result;
    if (gap < pauses * SLOWEST) gap += pauses;
  }
  return undefined;
}
