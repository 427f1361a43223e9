/**
 * Locks, events and the like between processes: the classes of `sync`, in memory that processes share.
 *
 * @module
 */

import {
  BARRIER,
  BOUNDED_SEMAPHORE,
  CONDITION,
  EVENT,
  LATCH,
  LOCK,
  RLOCK,
  RWLOCK,
  SEMAPHORE,
} from "../_internal/memory/kinds.ts";
import { hasScope, registerProcessClass } from "../_internal/memory/shared_object.ts";
import "../_internal/processes/process_memory.ts";
import * as sync from "../sync/mod.ts";

/**
 * Mutual exclusion among all threads of all processes of the tree: {@linkcode sync.Lock} in memory that processes share.
 *
 * A lock whose holder was killed stays {@linkcode sync.Lock.locked}; the next waiter gets it with `guard.abandoned`, within
 * a second.
 *
 * Python: `multiprocessing.Lock`.
 *
 * @example
 * ```ts
 * import { Lock, Process } from "@weft/concurrent/multiprocessing";
 *
 * export function report(lock: Lock, name: string): void {
 *   using _guard = lock.acquireSync();
 *   console.log(`${name} has the lock`);
 * }
 *
 * if (import.meta.main) {
 *   const lock = new Lock();
 *   const child = new Process({ target: report, args: [lock, "the child"] }).start();
 *   report(lock, "the parent");
 *   await child.join();
 * }
 * ```
 */
export class Lock extends sync.Lock {}

/**
 * A lock that its holder may acquire again, among all threads of all processes of the tree: {@linkcode sync.RLock} in
 * memory that processes share. Threads of one process are different holders.
 *
 * Python: `multiprocessing.RLock`.
 *
 * @example
 * ```ts
 * import { RLock } from "@weft/concurrent/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * const lock = new RLock();
 * {
 *   using _outer = lock.acquireSync();
 *   using _inner = lock.acquireSync();
 *   assert(lock.locked);
 * }
 * assert(!lock.locked);
 * ```
 */
export class RLock extends sync.RLock {}

/**
 * Many readers or one writer, among all threads of all processes of the tree: {@linkcode sync.RWLock} in memory that processes
 * share.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { RWLock } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RWLock();
 * {
 *   using _reading = lock.readSync();
 *   assertEquals(lock.tryWrite(), undefined);
 * }
 * ```
 */
export class RWLock extends sync.RWLock {}

/**
 * Permits that any thread of any process of the tree takes and gives back: {@linkcode sync.Semaphore} in memory that
 * processes share.
 *
 * Permits have no owner: those that a killed process had taken are not given back.
 *
 * Python: `multiprocessing.Semaphore`.
 *
 * @example
 * ```ts
 * import { Semaphore } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const seats = new Semaphore(2);
 * {
 *   using _seat = seats.acquireSync();
 *   assertEquals(seats.value, 1);
 * }
 * assertEquals(seats.value, 2);
 * ```
 */
export class Semaphore extends sync.Semaphore {
  /**
   * What `value instanceof Semaphore` asks. A `BoundedSemaphore` of this module is a semaphore, too, although its class extends
   * that of `sync`.
   *
   * @param value Anything.
   * @returns Whether it is a semaphore in memory that processes share. Of a subclass: whether it is an instance of that.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === Semaphore
      ? value instanceof sync.Semaphore && hasScope(value, "process")
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/**
 * A semaphore between processes that no `release` takes above its initial value: {@linkcode sync.BoundedSemaphore} in memory
 * that processes share.
 *
 * Python: `multiprocessing.BoundedSemaphore`.
 *
 * @example
 * ```ts
 * import { BoundedSemaphore } from "@weft/concurrent/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * const seats = new BoundedSemaphore(1);
 * assertThrows(() => seats.release(), RangeError);
 * ```
 */
export class BoundedSemaphore extends sync.BoundedSemaphore {}

/**
 * A flag that any process sets or clears and any waits for: {@linkcode sync.Event} in memory that processes share.
 *
 * Python: `multiprocessing.Event`.
 *
 * @example
 * ```ts
 * import { Event, Process } from "@weft/concurrent/multiprocessing";
 * import { assert } from "@std/assert";
 *
 * export function prepare(ready: Event): void {
 *   ready.set();
 * }
 *
 * if (import.meta.main) {
 *   const ready = new Event();
 *   const child = new Process({ target: prepare, args: [ready] }).start();
 *   assert(await ready.wait({ timeout: 10_000 }));
 *   await child.join();
 * }
 * ```
 */
export class Event extends sync.Event {}

/**
 * Lets processes wait for a change of what a lock guards: {@linkcode sync.Condition} in memory that processes share.
 *
 * Its lock must be a lock of this module; an `RLock` is made where none is given. A waiter that is killed takes no
 * notification away from the others.
 *
 * Python: `multiprocessing.Condition`.
 *
 * @example
 * ```ts
 * import { Condition, Process, Value } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function produce(changed: Condition, stock: Value<"i32">): void {
 *   using _held = changed.acquireSync();
 *   stock.value = 5;
 *   changed.notifyAll();
 * }
 *
 * if (import.meta.main) {
 *   const changed = new Condition();
 *   const stock = new Value("i32");
 *   const child = new Process({ target: produce, args: [changed, stock] }).start();
 *   {
 *     using _held = await changed.acquire();
 *     await changed.waitFor(() => stock.value > 0);
 *   }
 *   assertEquals(stock.value, 5);
 *   await child.join();
 * }
 * ```
 */
export class Condition extends sync.Condition {}

/**
 * Lets a number of threads of any processes of the tree wait for each other: {@linkcode sync.Barrier} in memory that processes
 * share. If a thread or process is killed while it waits, the barrier breaks for all.
 *
 * Python: `multiprocessing.Barrier`.
 *
 * @example
 * ```ts
 * import { Barrier, Process } from "@weft/concurrent/multiprocessing";
 *
 * export function meet(barrier: Barrier): void {
 *   barrier.waitSync();
 * }
 *
 * if (import.meta.main) {
 *   const barrier = new Barrier(2);
 *   const child = new Process({ target: meet, args: [barrier] }).start();
 *   await barrier.wait();
 *   await child.join();
 * }
 * ```
 */
export class Barrier extends sync.Barrier {}

/**
 * A count that goes down once, and that any process waits for: {@linkcode sync.Latch} in memory that processes share.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { Latch, Process } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function prepare(ready: Latch): void {
 *   ready.countDown();
 * }
 *
 * if (import.meta.main) {
 *   const ready = new Latch(2);
 *   for (const _ of [1, 2]) new Process({ target: prepare, args: [ready] }).start();
 *   await ready.wait();
 *   assertEquals(ready.count, 0);
 * }
 * ```
 */
export class Latch extends sync.Latch {}

registerProcessClass(LOCK, Lock);
registerProcessClass(RLOCK, RLock);
registerProcessClass(RWLOCK, RWLock);
registerProcessClass(SEMAPHORE, Semaphore);
registerProcessClass(BOUNDED_SEMAPHORE, BoundedSemaphore);
registerProcessClass(EVENT, Event);
registerProcessClass(CONDITION, Condition);
registerProcessClass(BARRIER, Barrier);
registerProcessClass(LATCH, Latch);
