/**
 * Processes, as in Python's `multiprocessing`, and everything that they share.
 *
 * @module
 */

export { Connection } from "./connection.ts";
export { Event } from "./event.ts";
export { LifoQueue } from "./lifo_queue.ts";
export { Lock } from "./lock.ts";
export { Pipe, type PipeOptions } from "./pipe.ts";
export { PriorityQueue } from "./priority_queue.ts";
export { Queue } from "./queue.ts";
export { RLock } from "./rlock.ts";
export * from "../sync/errors.ts";
