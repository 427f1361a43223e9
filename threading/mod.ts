/**
 * Threads, modeled on Python's `threading`, and the objects that threads share: everything of `@weft/concurrent/sync`.
 *
 * @example
 * ```ts
 * import { Lock, Thread, Value } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export function count(total: Value<"i32">, lock: Lock): void {
 *   for (let i = 0; i < 1000; i++) {
 *     using _guard = lock.acquireSync();
 *     total.value += 1;
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const total = new Value("i32");
 *   const lock = new Lock();
 *   const threads = [1, 2, 3].map(() => new Thread({ target: count, args: [total, lock] }).start());
 *   for (const thread of threads) await thread.join();
 *   assertEquals(total.value, 3000);
 * }
 * ```
 *
 * @module
 */

export * from "../sync/mod.ts";
export {
  activeCount,
  currentThread,
  enumerate,
  type ExceptHookInfo,
  getIdent,
  mainThread,
  setExceptHook,
} from "./current.ts";
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
export { Thread, type ThreadOptions, Timer } from "./thread.ts";
export type { Runner } from "../_internal/work/runner.ts";
