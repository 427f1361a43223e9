/**
 * A lock, and a place to wait for something to change under it.
 *
 * ```text
 *   0     the address of the lock, with a reference. The creator writes it if it was given a lock, otherwise the first thread
 *         that asks for the lock: see _owned_lock.ts
 *   1…5   the list of waiters: see _wait_list.ts
 * ```
 *
 * A waiter enters the list while it holds the lock, and only then releases the lock. So a thread that later changes
 * something under the lock and notifies finds the waiter in the list. The waiter takes itself out of the list when it
 * holds the lock again. What its node says then is the outcome, so a notification that races with a timeout counts
 * either for this waiter or for another.
 *
 * @module
 */

import { load, now } from "../_internal/atomics.ts";
import { InvalidStateError } from "../_internal/errors.ts";
import { CONDITION, defineKind, registerClass } from "../_internal/memory/kinds.ts";
import { OBJECT_HEADER, type Scope } from "../_internal/memory/memory.ts";
import {
  addReference,
  dropReference,
  handleAt,
  locate,
  type Place,
  placeOf,
  scopeOfClass,
  SharedObject,
  type SharedOptions,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { CONTENDED, requireBlocking } from "../_internal/memory/wait_point.ts";
import {
  deadlineOf,
  show,
  validateInteger,
  validateWait,
  type WaitOptions,
  type WaitSyncOptions,
} from "../_internal/options.ts";
import { importingModule } from "../_internal/runtime/this_thread.ts";
import { dropOwnedLock, ownedLock } from "./_owned_lock.ts";
import {
  freeNodes,
  isNotified,
  join,
  leave,
  NODE_POINT,
  notifyFirst,
  passOnOfTheDead,
  WAIT_LIST_WORDS,
} from "./_wait_list.ts";
import type { Guard, Hold } from "./guard.ts";
import { holdOfLock, Lock } from "./lock.ts";
import { holdOfRLock, RLock } from "./rlock.ts";

const LOCK = 0;
const LIST = 1;
const WORDS = LIST + WAIT_LIST_WORDS;
/** A number that is larger than that of all waiters. */
const ALL = 0x3fffffff;

/**
 * A lock, and a place to wait until what it protects has changed.
 *
 * Waiting releases the lock and takes it back, to the same depth, before it returns, whether by notification, timeout
 * or abort. A wait ends because of a notification, and not because the state that the waiter needs is there: another
 * thread may have been faster. So check the state again, in a loop, or use {@linkcode Condition.waitFor}.
 *
 * - **Order.** Waiters are notified in the order in which they came. A notification is only for the waiters of that
 *   moment: it is not stored if there are none, and a later waiter does not take it.
 * - **Death.** If a notified waiter ends before it has the lock back, its notification passes to the next waiter.
 * - **Threads and promises.** Threads may block here while promises wait, any number of promises per thread. A
 *   condition that is sent to another thread takes its lock along.
 *
 * Python: `threading.Condition`.
 *
 * @example
 * ```ts
 * import { Condition } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const items: string[] = [];
 * const changed = new Condition();
 *
 * async function take(): Promise<string> {
 *   using _guard = await changed.acquire();
 *   await changed.waitFor(() => items.length > 0);
 *   return items.pop()!;
 * }
 *
 * const taken = take();
 * {
 *   using _guard = await changed.acquire();
 *   items.push("bread");
 *   changed.notify();
 * }
 * assertEquals(await taken, "bread");
 * ```
 */
export class Condition extends SharedObject {
  readonly #place: Place = placeOf(this);
  readonly #lock: Lock | RLock;
  readonly #hold: Hold;

  /**
   * Creates a condition over a lock, or opens the condition of the given name.
   *
   * @param lock The lock. Several conditions may have the same lock. Default: an `RLock` of the condition's own.
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
   * @throws {TypeError} If `lock` is not a `Lock` or `RLock`, or is shared in another scope; if the name belongs to
   * something else, or to a condition over another lock.
   * @throws {RangeError} If the shared memory is full.
   */
  constructor(lock?: Lock | RLock, options?: SharedOptions) {
    super(new.target, options, () => {
      const given = lock === undefined ? 0 : addressOf(lock, scopeOfClass(new.target), options);
      return {
        action: "create condition",
        kind: CONDITION,
        words: WORDS,
        first: given,
        initialize: (words, at) => {
          if (given === 0) return;
          words[at + LOCK] = given;
          addReference(locate(lock!)!.space, given);
        },
      };
    });
    const { space, at } = this.#place;
    if (at < 0) {
      this.#lock = this.#hold = undefined as never;
      return;
    }
    const address = load(space.words, at + LOCK);
    // The handle keeps it, so that all users in the thread have the same handle of the lock, which knows how often it
    // was acquired.
    this.#lock = address === 0 ? ownedLock(space, at + LOCK) : handleAt(space, address) as unknown as Lock | RLock;
    this.#hold = this.#lock instanceof Lock ? holdOfLock(this.#lock) : holdOfRLock(this.#lock);
  }

  /**
   * Waits for the lock without blocking the event loop: see `acquire` of {@linkcode Lock} or {@linkcode RLock}.
   *
   * Python: `threading.Condition.acquire`.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns A guard that releases the lock when it is disposed of.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws The signal's reason, if it is aborted first. The lock is then not taken.
   *
   * @example
   * ```ts
   * import { Condition } from "@weft/concurrent/sync";
   * import { assert } from "@std/assert";
   *
   * const changed = new Condition();
   * {
   *   using _guard = await changed.acquire();
   *   assert(changed.locked);
   * }
   * assert(!changed.locked);
   * ```
   */
  async acquire(options?: WaitOptions): Promise<Guard> {
    if (this.#place.at < 0) unusable(this, "acquire condition");
    return await this.#lock.acquire(options);
  }

  /**
   * Blocks this thread until it has the lock: see `acquireSync` of {@linkcode Lock} or {@linkcode RLock}.
   *
   * Python: `threading.Condition.acquire`.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns A guard that releases the lock when it is disposed of.
   * @throws {DeadlockError} Without a timeout, if this thread holds a `Lock`, or an async task of this thread holds the
   * lock.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  acquireSync(options?: WaitSyncOptions): Guard {
    if (this.#place.at < 0) unusable(this, "acquire condition");
    return this.#lock.acquireSync(options);
  }

  /**
   * Takes the lock if possible at once: see `tryAcquire` of {@linkcode Lock} or {@linkcode RLock}. Never waits.
   *
   * Python: `threading.Condition.acquire(blocking=False)`.
   *
   * @returns A guard that releases the lock when it is disposed of, or `undefined` if the lock is held.
   */
  tryAcquire(): Guard | undefined {
    if (this.#place.at < 0) unusable(this, "acquire condition");
    return this.#lock.tryAcquire();
  }

  /**
   * Releases the lock: see `release` of {@linkcode Lock} or {@linkcode RLock}. Usually the guard does this.
   *
   * Python: `threading.Condition.release`.
   *
   * @throws {InvalidStateError} If the lock is not held, or is an `RLock` that another thread holds. Its state is
   * unchanged.
   *
   * @example
   * ```ts
   * import { Condition } from "@weft/concurrent/sync";
   * import { assert } from "@std/assert";
   *
   * const changed = new Condition();
   * changed.acquireSync();
   * changed.release();
   * assert(!changed.locked);
   * ```
   */
  release(): void {
    if (this.#place.at < 0) unusable(this, "release condition");
    this.#lock.release();
  }

  /**
   * Whether the lock is held. Out of date as soon as it is read.
   *
   * Python: `threading.Condition.locked`, since 3.14.
   */
  get locked(): boolean {
    if (this.#place.at < 0) unusable(this, "read condition");
    return this.#lock.locked;
  }

  /**
   * Releases the lock, waits for a notification without blocking the event loop, and settles when the caller has the
   * lock back, acquired as often as before.
   *
   * `timeout` and `signal` bound the wait for the notification, but not the wait for the lock after it.
   *
   * Python: `threading.Condition.wait`.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns `true` if it was notified, `false` if `timeout` passed first.
   * @throws {InvalidStateError} If the caller does not hold the lock.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws The signal's reason, if it is aborted first. The lock is held then, too, and a notification passes to
   * another waiter.
   *
   * @example
   * ```ts
   * import { Condition } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const changed = new Condition();
   * let isReady = false;
   *
   * async function whenReady(): Promise<boolean> {
   *   using _guard = await changed.acquire();
   *   while (!isReady) await changed.wait();
   *   return isReady;
   * }
   *
   * const waiting = whenReady();
   * {
   *   using _guard = await changed.acquire();
   *   isReady = true;
   *   changed.notify();
   * }
   * assertEquals(await waiting, true);
   * ```
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const timeout = this.#check("wait for condition", options);
    return await this.#wait(timeout, options?.signal);
  }

  /**
   * Releases the lock, blocks this thread until it is notified, and returns when this thread has the lock back,
   * acquired as often as before.
   *
   * `timeout` bounds the wait for the notification, but not the wait for the lock after it.
   *
   * Python: `threading.Condition.wait`.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns `true` if it was notified, `false` if `timeout` passed first.
   * @throws {InvalidStateError} If this thread does not hold the lock.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  waitSync(options?: WaitSyncOptions): boolean {
    const timeout = this.#check("wait for condition", options);
    requireBlocking();
    return this.#waitSync(timeout);
  }

  /**
   * Waits, without blocking the event loop, until `predicate` returns something true.
   *
   * `predicate` is called with the lock held: at once, and again after each notification. Between the calls the lock is
   * released. It is held when the promise settles, in every case.
   *
   * Python: `threading.Condition.wait_for`.
   *
   * @param predicate Returns whether the state that the caller waits for is there. It must not be async.
   * @param options `timeout` in milliseconds for the whole wait, and `signal`. Default: waits forever.
   * @returns `true`, or `false` if `timeout` passed first and `predicate` was still not true then.
   * @throws {InvalidStateError} If the caller does not hold the lock.
   * @throws {TypeError} If `predicate` is not a function, or returns a promise.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws What `predicate` throws.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example
   * ```ts
   * import { Condition } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const changed = new Condition();
   * let stock = 0;
   *
   * async function sell(count: number): Promise<void> {
   *   using _guard = await changed.acquire();
   *   await changed.waitFor(() => stock >= count);
   *   stock -= count;
   * }
   *
   * const sold = sell(2);
   * {
   *   using _guard = await changed.acquire();
   *   stock += 3;
   *   changed.notifyAll();
   * }
   * await sold;
   * assertEquals(stock, 1);
   * ```
   */
  async waitFor(predicate: () => boolean, options?: WaitOptions): Promise<boolean> {
    const deadline = deadlineOf(this.#check("wait for condition", options, predicate));
    while (!test(predicate)) {
      const left = deadline - now();
      if (left <= 0) return false;
      // The predicate may have released the lock, or disposed of it.
      this.#checkHeld("wait for condition");
      await this.#wait(left, options?.signal);
    }
    return true;
  }

  /**
   * Blocks this thread until `predicate` returns something true.
   *
   * `predicate` is called with the lock held: at once, and again after each notification. Between the calls the lock is
   * released. It is held when this returns or throws.
   *
   * Python: `threading.Condition.wait_for`.
   *
   * @param predicate Returns whether the state that the caller waits for is there. It must not be async.
   * @param options `timeout` in milliseconds for the whole wait. Default: waits forever.
   * @returns `true`, or `false` if `timeout` passed first and `predicate` was still not true then.
   * @throws {InvalidStateError} If this thread does not hold the lock.
   * @throws {TypeError} If `predicate` is not a function, or returns a promise.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws What `predicate` throws.
   */
  waitForSync(predicate: () => boolean, options?: WaitSyncOptions): boolean {
    const deadline = deadlineOf(this.#check("wait for condition", options, predicate));
    while (!test(predicate)) {
      const left = deadline - now();
      if (left <= 0) return false;
      requireBlocking();
      // As in `waitFor`.
      this.#checkHeld("wait for condition");
      this.#waitSync(left);
    }
    return true;
  }

  /**
   * Wakes up to `n` of the threads and promises that wait now, in the order in which they came.
   *
   * They go on when they get the lock, so not before the caller has released it. If there are no waiters, this does
   * nothing: notifications are not stored.
   *
   * Python: `threading.Condition.notify`.
   *
   * @param n How many waiters to wake, 0 or more. Default: 1.
   * @throws {RangeError} If `n` is negative or not a whole number.
   * @throws {InvalidStateError} If the caller does not hold the lock.
   *
   * @example
   * ```ts
   * import { Condition } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const changed = new Condition();
   *
   * async function next(): Promise<boolean> {
   *   using _guard = await changed.acquire();
   *   return await changed.wait({ timeout: 5_000 });
   * }
   *
   * const waiting = [next(), next()];
   * {
   *   using _guard = await changed.acquire();
   *   changed.notify(2);
   * }
   * assertEquals(await Promise.all(waiting), [true, true]);
   * ```
   */
  notify(n = 1): void {
    if (this.#place.at < 0) unusable(this, "notify condition");
    validateInteger(n, "'n'", 0, Number.MAX_SAFE_INTEGER, "notify condition");
    this.#checkHeld("notify condition");
    notifyFirst(this.#place.space, this.#place.at + LIST, n);
  }

  /**
   * Wakes all threads and promises that wait now. They go on one after the other, as they get the lock.
   *
   * Python: `threading.Condition.notify_all`.
   *
   * @throws {InvalidStateError} If the caller does not hold the lock.
   *
   * @example
   * ```ts
   * import { Condition } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const changed = new Condition();
   * let isOpen = false;
   *
   * async function enter(name: string): Promise<string> {
   *   using _guard = await changed.acquire();
   *   await changed.waitFor(() => isOpen);
   *   return name;
   * }
   *
   * const entering = [enter("Ann"), enter("Ben")];
   * {
   *   using _guard = await changed.acquire();
   *   isOpen = true;
   *   changed.notifyAll();
   * }
   * assertEquals(await Promise.all(entering), ["Ann", "Ben"]);
   * ```
   */
  notifyAll(): void {
    if (this.#place.at < 0) unusable(this, "notify condition");
    this.#checkHeld("notify condition");
    notifyFirst(this.#place.space, this.#place.at + LIST, ALL);
  }

  #check(action: string, options: WaitOptions | undefined, predicate?: () => boolean): number {
    if (this.#place.at < 0) unusable(this, action);
    if (arguments.length > 2 && typeof predicate !== "function") {
      throw new TypeError(`Cannot ${action} as 'predicate' must be a function: received ${show(predicate)}`);
    }
    const timeout = validateWait(options, action);
    options?.signal?.throwIfAborted();
    this.#checkHeld(action);
    return timeout;
  }

  #checkHeld(action: string): void {
    this.#place.space.endIfKilled();
    if (this.#hold.isHeld()) return;
    throw new InvalidStateError(`Cannot ${action} as its lock is not held by the caller: acquire it first`);
  }

  async #wait(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { at } = this.#place;
    signal?.throwIfAborted();
    const node = this.#join();
    const held = this.#hold.giveUp();
    let notified = false;
    let isAborted = false;
    let hasLock = false;
    try {
      // An aborted waiter must wait for the lock, too.
      await waitAsync(this.#place, this.#notification(at, node), timeout, signal).catch(() => false);
      hasLock = await waitAsync(this.#hold.place, this.#retaking(held), Infinity, undefined);
    } finally {
      isAborted = signal?.aborted ?? false;
      // A caller without the lock, of which it was disposed meanwhile, gets an error, and another waiter the notification.
      notified = this.#leave(at, node, isAborted || !hasLock);
    }
    if (isAborted) throw signal!.reason;
    return notified;
  }

  #waitSync(timeout: number): boolean {
    const { space, at } = this.#place;
    const node = this.#join();
    const held = this.#hold.giveUp();
    let notified = false;
    try {
      waitSync(space, this.#notification(at, node), timeout);
      waitSync(space, this.#retaking(held), Infinity);
    } finally {
      notified = this.#leave(at, node, false);
    }
    return notified;
  }

  /** The wait for a notification. */
  #notification(at: number, node: number): Wait<boolean> {
    return {
      point: node + NODE_POINT,
      attempt: (woken) => this.#isNotified(at, node, woken),
      expired: () => false,
    };
  }

  /** The wait to get back the lock that was given up. */
  #retaking(held: unknown): Wait<true> {
    const hold = this.#hold;
    return {
      point: hold.point,
      attempt: (woken) => hold.tryRetake(held, woken),
      expired: () => true,
      ordered: true,
      pauses: CONTENDED,
    };
  }

  // A waiter holds a reference to the condition: its words must not become another object's when a handle is disposed
  // of.
  #join(): number {
    const { space, at } = this.#place;
    // A predicate, or a getter of the options, may have disposed of it.
    if (at < 0) unusable(this, "wait for condition");
    const node = join(space, at + LIST);
    addReference(space, at - OBJECT_HEADER);
    return node;
  }

  #leave(at: number, node: number, passOn: boolean): boolean {
    const { space } = this.#place;
    const notified = leave(space, at + LIST, node, passOn);
    dropReference(space, at - OBJECT_HEADER);
    return notified;
  }

  #isNotified(at: number, node: number, woken: number): true | undefined {
    const { space } = this.#place;
    if (isNotified(space, node)) return true;
    if (woken <= 0) return undefined;
    passOnOfTheDead(space, at + LIST);
    return isNotified(space, node) || undefined;
  }
}

function test(predicate: () => boolean): boolean {
  const result: unknown = predicate();
  if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function") {
    throw new TypeError(
      "Cannot wait for condition as 'predicate' returned a promise, which is always true: it must return a boolean",
    );
  }
  return Boolean(result);
}

function addressOf(lock: Lock | RLock, scope: Scope, options: SharedOptions | undefined): number {
  if (!(lock instanceof Lock || lock instanceof RLock)) {
    throw new TypeError(
      `Cannot create condition as 'lock' must be a Lock or an RLock: received ${show(lock)} (options come second)`,
    );
  }
  const located = locate(lock);
  if (located === undefined) {
    // A condition without a name will not be usable here either, and using it throws an error that says why.
    if (importingModule() !== undefined && options?.name === undefined && options?.local !== true) return 0;
    // Throws an error that says why the lock cannot be used.
    void lock.locked;
  }
  const its = located!.space.memory.scope;
  if (its !== scope) {
    throw new TypeError(
      `Cannot create condition for ${SHARERS[scope]} as its lock is shared between ${
        SHARERS[its]
      }: take both of the same module, sync or multiprocessing`,
    );
  }
  return located!.at;
}

const SHARERS: Record<Scope, string> = { thread: "threads", process: "processes" };

registerClass("thread", CONDITION, Condition);
defineKind(CONDITION, {
  destroy: (space, at) => {
    freeNodes(space, at + LIST);
    dropOwnedLock(space, at + LOCK);
  },
});
