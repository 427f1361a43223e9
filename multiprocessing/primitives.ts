/**
 * Locks, events and similar objects that processes share: the classes of `sync`, in the memory of processes.
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
 * Mutual exclusion between all threads of all processes of the tree: a {@linkcode sync.Lock} in memory that processes share.
 *
 * If the holder is killed, the lock stays locked until the next waiter takes it over, within a second, with `guard.abandoned`
 * set.
 *
 * Python: `multiprocessing.Lock`.
 *
 * @example
 * ```ts
 * import { Lock, Process, Value } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function count(lock: Lock, total: Value<"i32">): void {
 *   for (let i = 0; i < 1000; i++) {
 *     using _guard = lock.acquireSync();
 *     total.value += 1;
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const lock = new Lock();
 *   const total = new Value("i32");
 *   const child = new Process({ target: count, args: [lock, total] }).start();
 *   count(lock, total);
 *   await child.join();
 *   assertEquals(total.value, 2000);
 * }
 * ```
 */
export class Lock extends sync.Lock {}

/**
 * A lock that its holder may acquire again, for all threads of all processes of the tree: a {@linkcode sync.RLock} in memory
 * that processes share.
 *
 * The holder is a thread and not a process: two threads of the same process exclude each other.
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
 * A lock for many readers or one writer, for all threads of all processes of the tree: a {@linkcode sync.RWLock} in memory that
 * processes share.
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
 * A number of permits that any thread of any process of the tree takes and gives back: a {@linkcode sync.Semaphore} in memory
 * that processes share.
 *
 * A permit has no owner, so the permits that a killed process had taken are lost.
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
   * Implements `value instanceof Semaphore`. A `BoundedSemaphore` of this module is a semaphore, too, although its class
   * extends that of `sync`.
   *
   * @param value Any value.
   * @returns Whether it is a semaphore in memory that processes share. For a subclass: whether it is an instance of the
   * subclass.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return this === Semaphore
      ? value instanceof sync.Semaphore && hasScope(value, "process")
      : Function.prototype[Symbol.hasInstance].call(this, value);
  }
}

/**
 * A semaphore whose value never rises above its initial value: a {@linkcode sync.BoundedSemaphore} in memory that processes
 * share. A `release` too many throws `RangeError`.
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
 * A flag that every process of the tree can set, clear and wait for: a {@linkcode sync.Event} in memory that processes share.
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
 * Lets processes wait until data that a lock guards has changed: a {@linkcode sync.Condition} in memory that processes share.
 *
 * Its lock must be a {@linkcode Lock} or {@linkcode RLock} of this module. Without a lock, it creates an `RLock`. If a notified
 * waiter is killed before it has the lock back, its notification passes to the next waiter.
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
 * Lets a fixed number of threads, in any processes of the tree, wait for each other: a {@linkcode sync.Barrier} in memory that
 * processes share.
 *
 * If a thread or process is killed while it waits, the barrier breaks for all parties.
 *
 * Python: `multiprocessing.Barrier`.
 *
 * @example
 * ```ts
 * import { Barrier, Process } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function meet(barrier: Barrier): number {
 *   return barrier.waitSync();
 * }
 *
 * if (import.meta.main) {
 *   const barrier = new Barrier(2);
 *   const child = new Process({ target: meet, args: [barrier] }).start();
 *   const indices = [await barrier.wait(), await child.result()];
 *   assertEquals(indices.sort(), [0, 1]);
 * }
 * ```
 */
export class Barrier extends sync.Barrier {}

/**
 * A count that goes down to zero once, and that every process of the tree can wait for: a {@linkcode sync.Latch} in memory that
 * processes share.
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
 *   const children = [1, 2].map(() => new Process({ target: prepare, args: [ready] }).start());
 *   await ready.wait();
 *   assertEquals(ready.count, 0);
 *   for (const child of children) await child.join();
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
