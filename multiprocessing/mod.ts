/**
 * Processes, modeled on Python's `multiprocessing`, and the objects that processes share.
 *
 * This module works on Linux. There is code for macOS 14.4 or later, which has never been run on a Mac. On other systems the
 * module can be imported, but everything that needs memory that processes share throws {@linkcode NotSupportedError}: use
 * `@weft/concurrent/threading` there.
 *
 * @example
 * ```ts
 * import { Pool } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using pool = new Pool(2);
 * assertEquals(await pool.map(Math.sqrt, [1, 4, 9]), [1, 2, 3]);
 * ```
 *
 * @module
 */

export * from "../_internal/errors.ts";
export type { BarrierOptions } from "../sync/barrier.ts";
export type { Guard } from "../sync/guard.ts";
export type { PriorityOptions } from "../sync/ordered_queues.ts";
export type { QueueOptions } from "../sync/queue.ts";
export { configure, type ConfigureOptions, registerSerializable, type SerializableOptions } from "../sync/settings.ts";
export { sleep, sleepSync } from "../sync/sleep.ts";
export { task } from "../_internal/targets/describe.ts";
export type { Addend, ArrayOf, Bits, TypeOf, ValueType } from "../sync/_value_types.ts";
export {
  type Waitable,
  type WaitableConnection,
  type WaitableFuture,
  type WaitableThread,
  waitAny,
  waitAnySync,
} from "../sync/wait_any.ts";
export type { WaitOptions, WaitSyncOptions } from "../_internal/options.ts";
export { type SharedOptions } from "../_internal/memory/shared_object.ts";
export type { Runner } from "../_internal/work/runner.ts";
export { Connection, Pipe, type PipeOptions, type RecvIntoOptions, type RecvIntoSyncOptions } from "./connection.ts";
export { type Context, getContext } from "./context.ts";
export { activeChildren, cpuCount, currentProcess, parentProcess } from "./current.ts";
export { freezeSupport } from "./freeze_support.ts";
export { LifoQueue, PriorityQueue, Queue, SharedArray, Value } from "./data.ts";
export {
  asCompleted,
  type BasePool,
  type CurrentTask,
  currentTask,
  Future,
  type FutureIterable,
  type FutureIterator,
  type FutureState,
  type MapOptions,
  type MapRangeOptions,
  type OnProgress,
  Pool,
  type PoolOptions,
  type PoolStats,
  type PoolTrace,
  type ProgressRate,
  type SettledFutures,
  type TaskOptions,
  type Times,
  type TraceEvent,
  wait,
  type WaitFuturesOptions,
} from "./pool.ts";
export { Barrier, BoundedSemaphore, Condition, Event, Latch, Lock, RLock, RWLock, Semaphore } from "./primitives.ts";
export { Process, type ProcessOptions, type ProcessPermissions } from "./process.ts";
export { SharedMemory, type SharedMemoryOptions } from "./shared_memory.ts";
export { getAllStartMethods, getStartMethod, setStartMethod, type StartMethod } from "./start_method.ts";
