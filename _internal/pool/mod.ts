/**
 * What both kinds of pool have in common, and is public.
 *
 * @module
 */

export { type CurrentTask, currentTask } from "./current_task.ts";
export {
  asCompleted,
  Future,
  type FutureIterable,
  type FutureIterator,
  type FutureState,
  type SettledFutures,
  wait,
  type WaitFuturesOptions,
} from "./future.ts";
export type { BasePool, MapOptions, PoolOptions, PoolStats, TaskOptions } from "./pool.ts";
export type { PoolTrace, TraceEvent } from "./current_task.ts";
