/**
 * Locks, events, queues and numbers in memory that threads share.
 *
 * @module
 */

export { BoundedSemaphore } from "./bounded_semaphore.ts";
export { Condition } from "./condition.ts";
export * from "./errors.ts";
export { Event } from "./event.ts";
export type { Guard } from "./guard.ts";
export { LifoQueue } from "./lifo_queue.ts";
export { Lock } from "./lock.ts";
export { type PriorityOptions, PriorityQueue } from "./priority_queue.ts";
export { Queue, type QueueOptions } from "./queue.ts";
export { registerSerializable, type SerializableOptions } from "./register_serializable.ts";
export { RLock } from "./rlock.ts";
export { Semaphore } from "./semaphore.ts";
export { adopt, share, type ShareToken, type WorkerLike } from "./share.ts";
export { task } from "./task.ts";
export type { WaitOptions, WaitSyncOptions } from "./wait_options.ts";
