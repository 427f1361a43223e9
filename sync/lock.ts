/**
 * A lock between threads. Its words and their states are in _lock_word.ts.
 *
 * @module
 */

import { compareExchange, load } from "../_internal/atomics.ts";
import { REFUSAL } from "../_internal/codec/refusal.ts";
import { DeadlockError, InvalidStateError } from "../_internal/errors.ts";
import { defineKind, LOCK, registerClass } from "../_internal/memory/kinds.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { isAwaited, notify, PASSING } from "../_internal/memory/wait_point.ts";
import { validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import {
  ACQUISITION,
  BARRED,
  FREE,
  giveUp,
  HOLDER_SHIFT,
  LOCK_KIND,
  LOCK_WORDS,
  MISSED,
  POINT,
  Spinning,
  TAKEN_OVER,
  tryTake,
  tryTakeWaiting,
  turnOf,
} from "./_lock_word.ts";
import { type Guard, type Hold, WHY_NOT } from "./guard.ts";

// A guard stands for one acquisition of this thread, so acquisitions have numbers. The number is beside the word and
// not in the handle, since a thread may have several handles of one lock: one for each `new Lock({ name })`.
let acquisitions = 0;

/** An acquisition that a condition has given up until its wait ends. */
interface Suspended {
  readonly acquisition: number;
  /** Whether its guard was disposed of meanwhile. */
  spent: boolean;
}

const suspended = new Map<number, Suspended>();

/** Acquisitions that a condition took back from a thread that had ended. */
const takenOver = new Set<number>();

/** Whether there ever was an acquisition in `suspended` or `takenOver`. */
let hasSuspended = false;

/** Gives one acquisition of a lock back, if it is still the current one. */
let giveBack: (lock: Lock, acquisition: number) => void;

/** A lock, as a condition sees it. */
export let holdOfLock: (lock: Lock) => Hold;

/**
 * Mutual exclusion: at most one holder at a time, among all threads of the program.
 *
 * It is not re-entrant. If the thread or one of its async tasks already holds the lock, `acquireSync()` without a
 * timeout throws {@linkcode DeadlockError}, and with a timeout `TimeoutError` when the timeout passes. `await acquire()`
 * waits, since another async task of the thread may release the lock.
 *
 * - **Visibility.** What was written to shared memory before a `release` is visible after the `acquire` that follows
 *   it.
 * - **Order.** A running thread may overtake waiters, but not forever: after a waiter was woken four times in vain,
 *   only threads that have waited get the lock.
 * - **Death.** If the holder ends without releasing the lock, it stays {@linkcode Lock.locked} until the next waiter
 *   takes it over, within a second, with `guard.abandoned` set.
 *
 * Python: `threading.Lock`.
 *
 * @example Held to the end of a scope
 * ```ts
 * import { Lock } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * const lock = new Lock();
 * {
 *   using _guard = lock.acquireSync();
 *   assert(lock.locked);
 * }
 * assert(!lock.locked);
 * ```
 */
export class Lock extends SharedObject {
  readonly #place: Place = placeOf(this);
  readonly #tag: number;
  readonly #spinning = new Spinning();

  static {
    giveBack = (lock, acquisition) => lock.#giveBack(acquisition);
    holdOfLock = (lock) => ({
      place: lock.#place,
      point: lock.#place.at + POINT,
      isHeld: () =>
        lock.#place.at >= 0 && load(lock.#place.words, lock.#place.at) >>> HOLDER_SHIFT === lock.#place.space.id,
      giveUp: () => {
        hasSuspended = true;
        const held: Suspended = { acquisition: lock.#place.words[lock.#place.at + ACQUISITION], spent: false };
        suspended.set(held.acquisition, held);
        giveUp(lock.#place.space, lock.#place.at);
        return held;
      },
      tryRetake: (held, woken) => lock.#tryRetake(held as Suspended, woken),
    });
  }

  /**
   * Creates a lock that is free, or opens the lock of the given name.
   *
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
   * @throws {TypeError} If the name belongs to something that is not a lock.
   * @throws {RangeError} If the shared memory is full.
   */
  constructor(options?: SharedOptions) {
    super(new.target, options, () => ({
      action: "create lock",
      kind: LOCK,
      words: LOCK_WORDS,
    }));
    this.#tag = this.#place.at < 0 ? 0 : this.#place.space.id << HOLDER_SHIFT;
  }

  /**
   * Waits for the lock without blocking the event loop.
   *
   * It also waits if this thread holds the lock, since another async task of the thread can release it. Promises of one
   * thread get the lock in the order of the calls.
   *
   * Python: `threading.Lock.acquire`.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns A guard that releases the lock when it is disposed of. Its `abandoned` is `true` if the previous holder
   * died.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws The signal's reason, if it is aborted first. The lock is then not taken.
   *
   * @example
   * ```ts
   * import { Lock } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const lock = new Lock();
   * let total = 0;
   *
   * async function add(amount: number): Promise<void> {
   *   using _guard = await lock.acquire();
   *   const before = total;
   *   await Promise.resolve(); // other tasks run here, but do not get the lock
   *   total = before + amount;
   * }
   *
   * await Promise.all([add(1), add(2)]);
   * assertEquals(total, 3);
   * ```
   */
  acquire(options?: WaitOptions): Promise<Guard> {
    const { space, words, at } = this.#place;
    // An async function would cost as much as the rest.
    if (
      options === undefined && at >= 0 && !space.async.isCrowded(at + POINT) &&
      compareExchange(words, at, FREE, this.#tag) === FREE
    ) {
      space.peekKill();
      return Promise.resolve(this.#begin(false));
    }
    return this.#acquireLater(options);
  }

  async #acquireLater(options: WaitOptions | undefined): Promise<Guard> {
    const timeout = validateWait(options, "acquire lock");
    const { space, at } = this.#place;
    // Behind the options, as a getter of theirs may dispose of it.
    if (at < 0) unusable(this, "acquire lock");
    if (!options?.signal?.aborted && !space.async.isCrowded(at + POINT)) {
      const outcome = tryTake(space, at, this.#tag, 0);
      if (outcome !== MISSED) return this.#begin(outcome === TAKEN_OVER);
    }
    return await waitAsync(this.#place, this.#turn(), timeout, options?.signal);
  }

  /**
   * Blocks this thread until it has the lock.
   *
   * Python: `threading.Lock.acquire`.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns A guard that releases the lock when it is disposed of. Its `abandoned` is `true` if the previous holder
   * died.
   * @throws {DeadlockError} Without a timeout, if this thread or one of its async tasks holds the lock: it could never
   * release it while this thread is blocked.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  acquireSync(options?: WaitSyncOptions): Guard {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "acquire lock");
    if (options === undefined && compareExchange(words, at, FREE, this.#tag) === FREE) {
      this.#place.space.peekKill();
      const acquisition = acquisitions = (acquisitions + 1) | 0;
      words[at + ACQUISITION] = acquisition;
      // Made here and not in a method: JavaScriptCore then allocates a guard only if the caller uses it.
      return new LockGuard(this, acquisition, false);
    }
    return this.#acquireSlowly(options);
  }

  /**
   * Takes the lock if it is free. Never waits.
   *
   * Python: `threading.Lock.acquire(blocking=False)`.
   *
   * @returns A guard that releases the lock when it is disposed of, or `undefined` if the lock is held.
   *
   * @example
   * ```ts
   * import { Lock } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const lock = new Lock();
   * {
   *   using guard = lock.tryAcquire();
   *   assertEquals(guard?.abandoned, false);
   *   assertEquals(lock.tryAcquire(), undefined);
   * }
   * ```
   */
  tryAcquire(): Guard | undefined {
    if (this.#place.at < 0) unusable(this, "acquire lock");
    const outcome = tryTake(this.#place.space, this.#place.at, this.#tag, PASSING);
    if (outcome !== MISSED) return this.#begin(outcome === TAKEN_OVER);
    this.#place.space.endIfKilled();
    return undefined;
  }

  /**
   * Releases the lock, whichever thread holds it, and wakes a waiter.
   *
   * Usually the guard does this. Any thread may release a lock, not only the thread that acquired it. To signal between
   * threads, `new Semaphore(0)` or an `Event` expresses the intent better.
   *
   * Python: `threading.Lock.release`.
   *
   * @throws {InvalidStateError} If the lock is not held. Its state is unchanged.
   *
   * @example
   * ```ts
   * import { Lock } from "@weft/concurrent/sync";
   * import { assert } from "@std/assert";
   *
   * const lock = new Lock();
   * lock.acquireSync();
   * try {
   *   assert(lock.locked);
   * } finally {
   *   lock.release();
   * }
   * assert(!lock.locked);
   * ```
   */
  release(): void {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "release lock");
    if (compareExchange(words, at, this.#tag, FREE) !== this.#tag) {
      for (;;) {
        const seen = load(words, at);
        if (seen >>> HOLDER_SHIFT === 0) {
          throw new InvalidStateError("Cannot release lock as it is not held: acquire it first, and release it once");
        }
        if (compareExchange(words, at, seen, seen & BARRED) === seen) break;
      }
    }
    if (isAwaited(words, at + POINT)) notify(this.#place.space, at + POINT, 1);
  }

  /**
   * Whether the lock is held. Out of date as soon as it is read.
   *
   * Python: `threading.Lock.locked`.
   */
  get locked(): boolean {
    if (this.#place.at < 0) unusable(this, "read lock");
    this.#place.space.endIfKilled();
    return load(this.#place.words, this.#place.at) >>> HOLDER_SHIFT !== 0;
  }

  #acquireSlowly(options: WaitSyncOptions | undefined): Guard {
    const timeout = validateWait(options, "acquire lock");
    // As in `#acquireLater`.
    if (this.#place.at < 0) unusable(this, "acquire lock");
    if (timeout === Infinity && load(this.#place.words, this.#place.at) >>> HOLDER_SHIFT === this.#place.space.id) {
      throw new DeadlockError(
        "Cannot acquire lock as this thread, or an async task of it, already holds it, and could never release it while this thread is blocked: use RLock, await acquire(), or a timeout",
      );
    }
    const { space, at } = this.#place;
    if (timeout > 0 && this.#spinning.take(space, at, this.#tag, acquisitions)) return this.#begin(false);
    return waitSync(space, this.#turn(), timeout);
  }

  #turn(): Wait<Guard> {
    return turnOf(this.#place.space, this.#place.at, this.#tag, (abandoned) => this.#begin(abandoned));
  }

  #begin(abandoned: boolean): Guard {
    const acquisition = acquisitions = (acquisitions + 1) | 0;
    this.#place.words[this.#place.at + ACQUISITION] = acquisition;
    return new LockGuard(this, acquisition, abandoned);
  }

  #tryRetake(held: Suspended, woken: number): true | undefined {
    const { words, at, space } = this.#place;
    if (at < 0) unusable(this, "take back the lock of condition");
    const outcome = tryTakeWaiting(space, at, this.#tag, woken);
    if (outcome === MISSED) return undefined;
    const { acquisition } = held;
    suspended.delete(acquisition);
    words[at + ACQUISITION] = acquisition;
    if (held.spent) giveUp(space, at);
    else if (outcome === TAKEN_OVER) takenOver.add(acquisition);
    return true;
  }

  #giveBack(acquisition: number): void {
    const { words, at } = this.#place;
    if (
      !hasSuspended && at >= 0 && words[at + ACQUISITION] === acquisition &&
      compareExchange(words, at, this.#tag, FREE) === this.#tag
    ) {
      if (isAwaited(words, at + POINT)) notify(this.#place.space, at + POINT, 1);
    } else this.#giveBackSlowly(acquisition);
  }

  #giveBackSlowly(acquisition: number): void {
    const { words, at } = this.#place;
    if (hasSuspended) {
      takenOver.delete(acquisition);
      const held = suspended.get(acquisition);
      if (held !== undefined) {
        held.spent = true;
        return;
      }
    }
    if (at < 0 || words[at + ACQUISITION] !== acquisition) return;
    // Either there is a bar, which stays, or the guard is spent: another thread released the lock, or this thread was
    // presumed dead.
    giveUp(this.#place.space, at);
  }
}

class LockGuard implements Guard {
  readonly #lock: Lock;
  readonly #acquisition: number;
  #abandoned: boolean;

  constructor(lock: Lock, acquisition: number, abandoned: boolean) {
    this.#lock = lock;
    this.#acquisition = acquisition;
    this.#abandoned = abandoned;
  }

  get abandoned(): boolean {
    return this.#abandoned ||= takenOver.has(this.#acquisition);
  }

  get [REFUSAL](): string {
    return WHY_NOT;
  }

  [Symbol.dispose](): void {
    giveBack(this.#lock, this.#acquisition);
  }
}

registerClass("thread", LOCK, Lock);
defineKind(LOCK, LOCK_KIND);
