/**
 * A lock between threads.
 *
 * @module
 */

import { and, compareExchange, load, or } from "../_internal/atomics.ts";
import { LOCK, registerKind } from "../_internal/memory/kinds.ts";
import { isAlive } from "../_internal/memory/participants.ts";
import { type Attachment, SharedObject, type SharedOptions } from "../_internal/memory/shared_object.ts";
import { block, LOOK, notify, WAIT_POINT_WORDS } from "../_internal/memory/wait_point.ts";
import { deadlineOf, validateWait } from "../_internal/wait_options.ts";
import { DeadlockError, InvalidStateError, TimeoutError } from "./errors.ts";
import { type Guard, GUARD } from "./guard.ts";
import type { WaitOptions, WaitSyncOptions } from "./wait_options.ts";

// One word, `holder << 4 | flags`, behind it a wait point.
//
//   FREE             nobody holds it; 0
//   holder << 4      that participant holds it. If it is dead, the lock is up for the next waiter
//   + BARRED         newcomers keep off: a waiter was overtaken too often
//
//              acquire                     release
//   0          holder                      (error)
//   BARRED     holder, if it has waited    (error)
//   holder     wait                        0, notify one
//   dead       holder, abandoned           0, notify one
//
// A woken waiter has no claim to the lock: whoever runs takes it, since handing it over would make everybody wait until
// the other thread is awake. After WOKEN_IN_VAIN such losses it sets BARRED, and from then on only those who have waited
// may take the lock; whoever of them does clears it. So no waiter is overtaken for longer than it takes to be woken that
// often and once more for each one that waits before it.
const FREE = 0;
const BARRED = 1;
const HOLDER_SHIFT = 4;
const WOKEN_IN_VAIN = 4;
const WORD = 0;
const POINT = 1;

/**
 * Mutual exclusion: at most one holder at a time, among all threads of the program.
 *
 * Not re-entrant: a thread that acquires a lock that it, or one of its async tasks, holds would wait for itself, and gets
 * a {@linkcode DeadlockError} instead. What was written to shared memory before a `release` is visible after the
 * `acquire` that follows it. A lock whose holder ended stays {@linkcode Lock.locked}; the next waiter gets it with
 * `guard.abandoned`, within a second.
 *
 * A running thread may overtake waiters, but not for ever: after a waiter was woken four times in vain only those who
 * have waited get the lock.
 *
 * Python: `threading.Lock`.
 *
 * @example Around a block
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
  readonly #tag: number;
  // Counts this thread's acquisitions, so that a guard knows whether it still stands for the current one. Only this
  // thread can make its own id the holder, so nothing shared is needed for that.
  #acquisition = 0;

  /**
   * Creates a lock that is free, or opens the lock of the given name.
   *
   * @throws {TypeError} If the name belongs to something that is not a lock.
   * @throws {RangeError} If the shared memory is full.
   */
  constructor(options?: SharedOptions) {
    super(new.target, options as SharedOptions | Attachment | undefined, () => ({
      action: "create lock",
      kind: LOCK,
      words: 1 + WAIT_POINT_WORDS,
    }));
    this.#tag = this.at < 0 ? 0 : this.space.id << HOLDER_SHIFT;
  }

  /**
   * Waits for the lock without blocking the event loop.
   *
   * Waits also where the lock is held by this thread: another async task of it can release it. Promises of one thread
   * get the lock in the order of the calls.
   *
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first. The lock is then not taken.
   */
  async acquire(options?: WaitOptions): Promise<Guard> {
    if (this.at < 0) this.unusable("acquire lock");
    const timeout = validateWait(options, "acquire lock");
    const { space } = this;
    const point = this.at + POINT;
    if (!options?.signal?.aborted && !space.async.isCrowded(point)) {
      const guard = this.#try(0);
      if (guard !== undefined) return guard;
    }
    return await space.async.wait<Guard>(point, {
      attempt: (tries) => this.#attempt(tries),
      deadline: deadlineOf(timeout),
      expired: () => this.#expired(timeout),
      abandoned: () => this.#unbar(),
      ordered: true,
      signal: options?.signal,
    });
  }

  /**
   * Blocks this thread until it has the lock.
   *
   * @throws {DeadlockError} Without a timeout, if this thread or one of its async tasks holds the lock: it could not
   * turn to release it.
   * @throws {TimeoutError} If `timeout` passes first.
   */
  acquireSync(options?: WaitSyncOptions): Guard {
    const { words, at } = this;
    if (at < 0) this.unusable("acquire lock");
    if (options === undefined && compareExchange(words, at, FREE, this.#tag) === FREE) {
      if (this.space.isKilled()) this.space.exit();
      return new LockGuard(this, ++this.#acquisition, false);
    }
    return this.#acquireSlowly(options);
  }

  /** Takes the lock if that is possible at once, else returns `undefined`. Never waits. */
  tryAcquire(): Guard | undefined {
    if (this.at < 0) this.unusable("acquire lock");
    return this.#try(0);
  }

  /**
   * Releases the lock, whoever holds it, and wakes a waiter.
   *
   * Usually the guard does this. A lock may be released by another thread than the one that acquired it; to signal
   * between threads, `Semaphore(0)` or `Event` say better what is meant.
   *
   * @throws {InvalidStateError} If the lock is not held. Its state is unchanged.
   */
  release(): void {
    const { words, at } = this;
    if (at < 0) this.unusable("release lock");
    if (compareExchange(words, at, this.#tag, FREE) !== this.#tag) {
      for (;;) {
        const seen = load(words, at);
        if (seen >>> HOLDER_SHIFT === 0) {
          throw new InvalidStateError("Cannot release lock as it is not held: acquire it first, and release it once");
        }
        if (compareExchange(words, at, seen, seen & BARRED) === seen) break;
      }
    }
    notify(this.space, at + POINT, 1);
  }

  /** Whether the lock is held. Out of date as soon as it is read. */
  get locked(): boolean {
    if (this.at < 0) this.unusable("read lock");
    return load(this.words, this.at) >>> HOLDER_SHIFT !== 0;
  }

  #acquireSlowly(options: WaitSyncOptions | undefined): Guard {
    const timeout = validateWait(options, "acquire lock");
    if (timeout === Infinity && load(this.words, this.at) >>> HOLDER_SHIFT === this.space.id) {
      throw new DeadlockError(
        "Cannot acquire lock as this thread, or an async task of it, holds it and could not turn to release it: use RLock, await acquire(), or a timeout",
      );
    }
    const guard = block(this.space, this.at + POINT, (woken) => this.#attempt(woken), deadlineOf(timeout));
    if (guard !== undefined) return guard;
    this.#unbar();
    this.#expired(timeout);
  }

  #attempt(woken: number): Guard | undefined {
    const guard = this.#try(woken);
    if (guard === undefined && woken >= WOKEN_IN_VAIN) or(this.words, this.at + WORD, BARRED);
    return guard;
  }

  // A waiter that goes away takes its bar along. If it was another's, that one puts it back when it is overtaken again.
  #unbar(): void {
    if ((and(this.words, this.at + WORD, ~BARRED) & BARRED) !== 0) notify(this.space, this.at + POINT, 1);
  }

  #try(woken: number): Guard | undefined {
    const { words, at, space } = this;
    for (;;) {
      const seen = load(words, at);
      const holder = seen >>> HOLDER_SHIFT;
      if (holder === 0) {
        if (seen === BARRED && woken <= 0) return undefined;
      } else if (holder === space.id || woken === LOOK || isAlive(space.memory, holder)) {
        return undefined;
      }
      if (space.isKilled()) space.exit();
      if (compareExchange(words, at, seen, this.#tag) === seen) {
        return new LockGuard(this, ++this.#acquisition, holder !== 0);
      }
    }
  }

  #expired(timeout: number): never {
    throw new TimeoutError(`Cannot acquire lock as it was held for all of the ${timeout} ms of 'timeout'`);
  }

  /** Gives one acquisition back, if it is still the current one. @ignore */
  static release(lock: Lock, acquisition: number): void {
    if (lock.at < 0 || lock.#acquisition !== acquisition) return;
    const { words, at } = lock;
    for (;;) {
      const seen = load(words, at);
      // Another released it, or took this thread for dead: the guard is spent.
      if (seen >>> HOLDER_SHIFT !== lock.space.id) return;
      if (compareExchange(words, at, seen, seen & BARRED) === seen) break;
    }
    notify(lock.space, at + POINT, 1);
  }
}

class LockGuard implements Guard {
  readonly [GUARD] = true;
  readonly #lock: Lock;
  readonly #acquisition: number;
  readonly abandoned: boolean;

  constructor(lock: Lock, acquisition: number, abandoned: boolean) {
    this.#lock = lock;
    this.#acquisition = acquisition;
    this.abandoned = abandoned;
  }

  [Symbol.dispose](): void {
    Lock.release(this.#lock, this.#acquisition);
  }
}

registerKind("thread", LOCK, Lock);
