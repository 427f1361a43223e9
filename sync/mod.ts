/**
 * Locks, events, queues and numbers in memory that threads share.
 *
 * @module
 */

export { Barrier, type BarrierOptions } from "./barrier.ts";
export { Condition } from "./condition.ts";
export * from "../_internal/errors.ts";
export { Event } from "./event.ts";
export type { Guard } from "./guard.ts";
export { Latch } from "./latch.ts";
export { Lock } from "./lock.ts";
export { LifoQueue, type PriorityOptions, PriorityQueue } from "./ordered_queues.ts";
export { Queue, type QueueOptions } from "./queue.ts";
export { RLock } from "./rlock.ts";
export { RWLock } from "./rwlock.ts";
export { BoundedSemaphore, Semaphore } from "./semaphore.ts";
export { configure, type ConfigureOptions, registerSerializable, type SerializableOptions } from "./settings.ts";
export { adopt, share, type ShareToken, type WorkerLike } from "./share.ts";
export { SharedArray } from "./shared_array.ts";
export { type SharedHandle, type SharedObject, type SharedOptions } from "../_internal/memory/shared_object.ts";
export { sleep, sleepSync } from "./sleep.ts";
export { task } from "../_internal/targets/describe.ts";
export { Value } from "./value.ts";
export type { Addend, ArrayOf, Bits, TypeOf, ValueType } from "./_value_types.ts";
export {
  type Waitable,
  type WaitableConnection,
  type WaitableFuture,
  type WaitableThread,
  waitAny,
  waitAnySync,
} from "./wait_any.ts";
export type { WaitOptions, WaitSyncOptions } from "../_internal/options.ts";
