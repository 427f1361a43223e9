/**
 * A lock that its holder may acquire again.
 *
 * The word and its states are in _lock_word.ts. How often the holder has acquired the lock concerns only the holder, so
 * that is not in shared memory but in the holder's {@linkcode Levels}:
 *
 * ```text
 *                     word                acquisitions    run
 *   free              0                   none            none
 *   the thread's      holder              1 or more       none
 *   an async task's   holder | ASYNC      1               none
 *   run()'s           holder | ASYNC      0 or more       the call
 * ```
 *
 * @module
 */

import { compareExchange, load, peek } from "../_internal/atomics.ts";
import { REFUSAL } from "../_internal/codec/refusal.ts";
import { DeadlockError, InvalidStateError } from "../_internal/errors.ts";
import { defineKind, registerClass, RLOCK } from "../_internal/memory/kinds.ts";
import { isAlive } from "../_internal/memory/participants.ts";
import {
  forgetLocalState,
  isArriving,
  localState,
  type Place,
  placeOf,
  SharedObject,
  type SharedOptions,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { isAwaited, notify, PASSING } from "../_internal/memory/wait_point.ts";
import { show, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import { refuseInBrowser } from "../_internal/runtime/runtime.ts";
import { type AsyncContext, createAsyncContext } from "../_internal/runtime/this_thread.ts";
import {
  ASYNC,
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

// A guard stands for one acquisition of this thread, so acquisitions have numbers. The lock keeps the numbers and not the
// guards: a guard that the program does not use then costs no memory.
let acquisitions = 0;

/** How often a lock was acquired in this thread. All handles of the lock in the thread share this. */
interface Levels {
  /** The acquisitions that were not released yet, the innermost last. */
  held: number[];
  /** The call of run() that holds the lock, if any. */
  run: Run | undefined;
}

/** A call of run(), and the calls around it. */
interface Run {
  readonly levels: Levels;
  readonly outer: Run | undefined;
  ended: boolean;
}

/** What a condition has given up until its wait ends. */
interface Suspended {
  readonly tag: number;
  /** The acquisitions, less those whose guards were disposed of meanwhile. */
  readonly held: number[];
  readonly run: Run | undefined;
}

const suspended = new Set<Suspended>();

/** Acquisitions that a condition took back from a thread that had ended. */
const takenOver = new Set<number>();

/** Whether there ever was an acquisition in `suspended` or `takenOver`. */
let hasSuspended = false;

let runs: AsyncContext<Run> | undefined;

/** Gives one acquisition of a lock back, if it was not given back already. */
let giveBack: (lock: RLock, acquisition: number) => void;

/** A lock, as a condition sees it. */
export let holdOfRLock: (lock: RLock) => Hold;

/**
 * Mutual exclusion that its holder may enter again: the lock is free when it was released as often as it was acquired.
 *
 * For the blocking forms the holder is the thread, as in Python. For promises it is not: the async functions of one
 * thread take turns, each in the middle of its work. So every `await acquire()` is a holder of its own and waits for
 * all others, also for those of the same thread. An async function that calls other functions which need the lock holds
 * it with {@linkcode RLock.run}.
 *
 * - **Visibility.** What was written to shared memory before the last `release` is visible after the `acquire` that
 *   follows it.
 * - **Order.** A running thread may overtake waiters, but not forever: after a waiter was woken four times in vain,
 *   only threads that have waited get the lock.
 * - **Death.** If the holder ends without releasing the lock, it stays {@linkcode RLock.locked} until the next waiter
 *   takes it over, within a second, with `guard.abandoned` set.
 *
 * Python: `threading.RLock`.
 *
 * @example A method that calls another
 * ```ts
 * import { RLock } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * const lock = new RLock();
 * function deposit(): void {
 *   using _guard = lock.acquireSync();
 * }
 * function transfer(): void {
 *   using _guard = lock.acquireSync();
 *   deposit();
 *   assert(lock.locked);
 * }
 * transfer();
 * assert(!lock.locked);
 * ```
 */
export class RLock extends SharedObject {
  readonly #place: Place = placeOf(this);
  readonly #tag: number;
  readonly #levels: Levels;
  readonly #spinning = new Spinning();

  static {
    giveBack = (lock, acquisition) => lock.#giveBack(acquisition);
    holdOfRLock = (lock) => ({
      place: lock.#place,
      point: lock.#place.at + POINT,
      isHeld: () => lock.#place.at >= 0 && lock.#isMine(load(lock.#place.words, lock.#place.at)),
      giveUp: () => lock.#suspend(),
      tryRetake: (held, woken) => lock.#tryRetake(held as Suspended, woken),
    });
  }

  /**
   * Creates a lock that is free, or opens the lock of the given name.
   *
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
   * @throws {TypeError} If the name belongs to something that is not an `RLock`.
   * @throws {RangeError} If the shared memory is full.
   */
  constructor(options?: SharedOptions) {
    const arrives = isArriving();
    super(new.target, options, () => ({
      action: "create lock",
      kind: RLOCK,
      words: LOCK_WORDS,
    }));
    const { space, at } = this.#place;
    this.#tag = at < 0 ? 0 : space.id << HOLDER_SHIFT;
    if (at >= 0 && (arrives || options?.name !== undefined)) {
      this.#levels = localState(space, at, createLevels);
    } else {
      if (at >= 0) forgetLocalState(space, at);
      this.#levels = createLevels();
    }
  }

  /**
   * Waits for the lock without blocking the event loop.
   *
   * It also waits if this thread or another async task of it holds the lock. Inside {@linkcode RLock.run} it succeeds
   * at once. Promises of one thread get the lock in the order of the calls.
   *
   * Python: `threading.RLock.acquire`.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns A guard that gives this acquisition back when it is disposed of. Its `abandoned` is `true` if the previous
   * holder died.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws The signal's reason, if it is aborted first. The lock is then not taken.
   *
   * @example Async tasks take turns
   * ```ts
   * import { RLock } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const lock = new RLock();
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
      compareExchange(words, at, FREE, this.#tag | ASYNC) === FREE
    ) {
      space.peekKill();
      return Promise.resolve(this.#begin(false));
    }
    return this.#acquireLater(options);
  }

  async #acquireLater(options: WaitOptions | undefined): Promise<Guard> {
    const timeout = validateWait(options, "acquire lock");
    if (options?.signal?.aborted) throw options.signal.reason;
    // Behind the options, as a getter of theirs may dispose of it.
    if (this.#place.at < 0) unusable(this, "acquire lock");
    if (this.#isInsideRun()) return this.#enter(false);
    return await this.#takeAsTask(timeout, options?.signal, (abandoned) => this.#begin(abandoned));
  }

  /**
   * Blocks this thread until it has the lock. Returns at once if the thread has it already.
   *
   * Python: `threading.RLock.acquire`.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns A guard that gives this acquisition back when it is disposed of. Its `abandoned` is `true` if the previous
   * holder died.
   * @throws {DeadlockError} Without a timeout, if an async task of this thread holds the lock and this is not called
   * from inside its {@linkcode RLock.run}: the task could never release it while this thread is blocked.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  acquireSync(options?: WaitSyncOptions): Guard {
    const { words, at } = this.#place;
    if (at < 0) unusable(this, "acquire lock");
    if (options === undefined && compareExchange(words, at, FREE, this.#tag) === FREE) {
      this.#place.space.peekKill();
      const { held, run } = this.#levels;
      if (held.length !== 0 || run !== undefined) return this.#begin(false);
      const acquisition = acquisitions = (acquisitions + 1) | 0;
      held.push(acquisition);
      // Made here and not in a method: JavaScriptCore then allocates a guard only if the caller uses it.
      return new RLockGuard(this, acquisition, false);
    }
    return this.#acquireSlowly(options);
  }

  /**
   * Takes the lock if it is free or this thread has it already. Never waits.
   *
   * Python: `threading.RLock.acquire(blocking=False)`.
   *
   * @returns A guard that gives this acquisition back when it is disposed of, or `undefined` if another holder has the
   * lock.
   *
   * @example
   * ```ts
   * import { RLock } from "@weft/concurrent/sync";
   * import { assert } from "@std/assert";
   *
   * const lock = new RLock();
   * using outer = lock.tryAcquire();
   * using inner = lock.tryAcquire();
   * assert(outer !== undefined && inner !== undefined);
   * ```
   */
  tryAcquire(): Guard | undefined {
    const { space, words, at } = this.#place;
    if (at < 0) unusable(this, "acquire lock");
    if (this.#isReentrant(load(words, at))) return this.#enter(false);
    const outcome = tryTake(space, at, this.#tag, PASSING);
    if (outcome !== MISSED) return this.#begin(outcome === TAKEN_OVER);
    space.endIfKilled();
    return undefined;
  }

  /**
   * Releases the innermost acquisition that was not released yet, as its guard would do. With the last one the lock
   * becomes free and a waiter is woken.
   *
   * Python: `threading.RLock.release`.
   *
   * @throws {InvalidStateError} If the lock is not held, if another living thread holds it, if another async task holds
   * it inside {@linkcode RLock.run}, or if nothing was acquired inside the `run` that calls this. The lock's state is
   * unchanged.
   *
   * @example
   * ```ts
   * import { RLock } from "@weft/concurrent/sync";
   * import { assert } from "@std/assert";
   *
   * const lock = new RLock();
   * lock.acquireSync();
   * lock.acquireSync();
   * lock.release();
   * assert(lock.locked);
   * lock.release();
   * assert(!lock.locked);
   * ```
   */
  release(): void {
    const { words, at } = this.#place;
    const { held, run } = this.#levels;
    const tag = this.#tag;
    // The compare-exchange is also the check that this thread is the holder.
    if (
      held.length === 1 && run === undefined && !hasSuspended && at >= 0 &&
      compareExchange(words, at, tag, FREE) === tag
    ) {
      held.pop();
      if (isAwaited(words, at + POINT)) notify(this.#place.space, at + POINT, 1);
    } else {
      this.#releaseSlowly();
    }
  }

  #releaseSlowly(): void {
    const { space, words, at } = this.#place;
    if (at < 0) unusable(this, "release lock");
    const seen = peek(words, at);
    const holder = seen >>> HOLDER_SHIFT;
    const levels = this.#levels;
    if (holder !== space.id) {
      if (holder === 0) {
        throw new InvalidStateError("Cannot release lock as it is not held: acquire it first, and release it once");
      }
      if (isAlive(space.memory, holder)) {
        throw new InvalidStateError(
          "Cannot release lock as another thread holds it: only the thread that acquired an RLock can release it",
        );
      }
      if (compareExchange(words, at, seen, seen & BARRED) !== seen) return this.#releaseSlowly();
      notify(space, at + POINT, 1);
      return;
    }
    if (levels.run !== undefined) {
      if (!this.#isInsideRun()) {
        throw new InvalidStateError("Cannot release lock as another async task holds it: it is inside run()");
      }
      if (levels.held.length === 0) {
        throw new InvalidStateError(
          "Cannot release lock as it was not acquired inside run(): run() releases it when its function has ended",
        );
      }
    }
    const acquisition = levels.held.pop()!;
    if (hasSuspended) takenOver.delete(acquisition);
    if (levels.held.length === 0 && levels.run === undefined) this.#free();
  }

  /**
   * Calls `action` with the lock held, and releases the lock when `action` has returned and its promise has settled.
   *
   * Inside `action`, and in all async functions that are called from it, every form of acquiring succeeds at once. The
   * wait for the lock has no timeout.
   *
   * Python has no equivalent.
   *
   * @param action The function to call. It may return a promise.
   * @returns What `action` returns.
   * @throws {TypeError} If `action` is not a function.
   * @throws What `action` throws. The lock is released then, too.
   *
   * @example
   * ```ts
   * import { RLock } from "@weft/concurrent/sync";
   * import { assert, assertEquals } from "@std/assert";
   *
   * const lock = new RLock();
   * async function inner(): Promise<number> {
   *   using _guard = await lock.acquire();
   *   return 1;
   * }
   * assertEquals(await lock.run(async () => await inner() + await inner()), 2);
   * assert(!lock.locked);
   * ```
   */
  async run<T>(action: () => T | Promise<T>): Promise<T> {
    if (this.#place.at < 0) unusable(this, "run with lock");
    if (typeof action !== "function") {
      throw new TypeError(`Cannot run with lock as 'action' must be a function: received ${show(action)}`);
    }
    refuseInBrowser(
      "run with lock",
      "does not tell which async function calls: use await acquire() and acquire it once",
    );
    runs ??= createAsyncContext<Run>();
    if (this.#isInsideRun()) {
      const guard = this.#enter(false);
      try {
        return await action();
      } finally {
        guard[Symbol.dispose]();
      }
    }
    const run: Run = { levels: this.#levels, outer: runs.getStore(), ended: false };
    await this.#takeAsTask(Infinity, undefined, () => {
      this.#levels.held = [];
      this.#levels.run = run;
      return true;
    });
    try {
      return await runs.run(run, action);
    } finally {
      run.ended = true;
      if (this.#levels.run === run) {
        this.#levels.run = undefined;
        // The action may have disposed of the lock.
        if (this.#levels.held.length === 0 && this.#place.at >= 0) this.#free();
      }
    }
  }

  /**
   * Whether the lock is held. Out of date as soon as it is read.
   *
   * Python: `threading.RLock.locked`.
   */
  get locked(): boolean {
    if (this.#place.at < 0) unusable(this, "read lock");
    this.#place.space.endIfKilled();
    return load(this.#place.words, this.#place.at) >>> HOLDER_SHIFT !== 0;
  }

  async #takeAsTask<T>(timeout: number, signal: AbortSignal | undefined, begin: (abandoned: boolean) => T): Promise<T> {
    const { space, at } = this.#place;
    const tag = this.#tag | ASYNC;
    if (!space.async.isCrowded(at + POINT)) {
      const outcome = tryTake(space, at, tag, 0);
      if (outcome !== MISSED) return begin(outcome === TAKEN_OVER);
    }
    return await waitAsync(this.#place, turnOf(space, at, tag, begin), timeout, signal);
  }

  #acquireSlowly(options: WaitSyncOptions | undefined): Guard {
    const timeout = validateWait(options, "acquire lock");
    const { space, words, at } = this.#place;
    // As in `#acquireLater`.
    if (at < 0) unusable(this, "acquire lock");
    const seen = load(words, at);
    if (this.#isReentrant(seen)) return this.#enter(false);
    if (timeout === Infinity && seen >>> HOLDER_SHIFT === space.id) {
      throw new DeadlockError(
        "Cannot acquire lock as an async task of this thread holds it, and could never release it while this thread is blocked: use run(), await acquire(), or a timeout",
      );
    }
    if (timeout > 0 && this.#spinning.take(space, at, this.#tag, acquisitions)) return this.#begin(false);
    return waitSync(space, turnOf(space, at, this.#tag, (abandoned) => this.#begin(abandoned)), timeout);
  }

  /** Whether a blocking form would only add a level. */
  #isReentrant(seen: number): boolean {
    if (seen >>> HOLDER_SHIFT !== this.#place.space.id) return false;
    return (seen & ASYNC) === 0 || this.#isInsideRun();
  }

  #isInsideRun(): boolean {
    const { run } = this.#levels;
    if (run === undefined || load(this.#place.words, this.#place.at) >>> HOLDER_SHIFT !== this.#place.space.id) {
      return false;
    }
    for (let around = runs!.getStore(); around !== undefined; around = around.outer) {
      if (around === run) return true;
    }
    return false;
  }

  /**
   * Whether the caller holds the lock, as far as that can be known: async tasks outside of run() cannot be
   * distinguished.
   */
  #isMine(seen: number): boolean {
    return seen >>> HOLDER_SHIFT === this.#place.space.id && (this.#levels.run === undefined || this.#isInsideRun());
  }

  #begin(abandoned: boolean): Guard {
    const levels = this.#levels;
    // Acquisitions that are left from before were taken from this thread when it was presumed dead.
    if (levels.held.length !== 0) levels.held = [];
    levels.run = undefined;
    return this.#enter(abandoned);
  }

  #enter(abandoned: boolean): Guard {
    const acquisition = acquisitions = (acquisitions + 1) | 0;
    this.#levels.held.push(acquisition);
    return new RLockGuard(this, acquisition, abandoned);
  }

  #free(): void {
    const { space, words, at } = this.#place;
    const tag = this.#tag;
    if (compareExchange(words, at, tag, FREE) === tag) {
      if (isAwaited(words, at + POINT)) notify(space, at + POINT, 1);
    } else giveUp(space, at);
  }

  #suspend(): Suspended {
    const { words, at } = this.#place;
    const { held, run } = this.#levels;
    const given = { tag: this.#tag | load(words, at) & ASYNC, held, run };
    hasSuspended = true;
    suspended.add(given);
    this.#levels.held = [];
    this.#levels.run = undefined;
    this.#free();
    return given;
  }

  #tryRetake(given: Suspended, woken: number): true | undefined {
    if (this.#place.at < 0) unusable(this, "take back the lock of condition");
    const outcome = tryTakeWaiting(this.#place.space, this.#place.at, given.tag, woken);
    if (outcome === MISSED) return undefined;
    suspended.delete(given);
    const levels = this.#levels;
    levels.run = given.run?.ended ? undefined : given.run;
    levels.held = given.held;
    if (outcome === TAKEN_OVER) { for (const acquisition of levels.held) takenOver.add(acquisition); }
    // All guards were disposed of while the condition waited.
    if (levels.held.length === 0 && levels.run === undefined) this.#free();
    return true;
  }

  #giveBack(acquisition: number): void {
    const { held, run } = this.#levels;
    if (held.length > 0 && held[held.length - 1] === acquisition) held.pop();
    else if (!strikeOut(held, acquisition)) return;
    if (hasSuspended) takenOver.delete(acquisition);
    if (held.length === 0 && run === undefined && this.#place.at >= 0) this.#free();
  }
}

class RLockGuard implements Guard {
  readonly #lock: RLock;
  readonly #acquisition: number;
  #abandoned: boolean;

  constructor(lock: RLock, acquisition: number, abandoned: boolean) {
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

/** Removes an acquisition that is not the innermost. `false`: it was given back before, or a condition has given it up. */
function strikeOut(held: number[], acquisition: number): boolean {
  const index = held.lastIndexOf(acquisition);
  if (index >= 0) {
    held.splice(index, 1);
    return true;
  }
  for (const given of suspended) {
    const at = given.held.indexOf(acquisition);
    if (at >= 0) given.held.splice(at, 1);
  }
  return false;
}

function createLevels(): Levels {
  return { held: [], run: undefined };
}

registerClass("thread", RLOCK, RLock);
defineKind(RLOCK, LOCK_KIND);
