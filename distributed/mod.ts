/**
 * A `Pool` whose workers are on any number of machines, and queues, events, values, locks and semaphores that programs
 * on different machines share.
 *
 * {@linkcode serve} makes a program an agent: it takes tasks from a queue of a NATS server and runs them in processes
 * of its machine. A program that has a pool of one machine changes its import, and says where the server is: with the
 * option `connect` or the environment variable `WEFT_CONNECT`.
 *
 * @example
 * ```ts
 * import { devServer, Pool, serve } from "@weft/concurrent/distributed";
 * import { assertEquals } from "@std/assert";
 *
 * export function cube(x: number): number {
 *   return x ** 3;
 * }
 *
 * if (import.meta.main) {
 *   await using server = await devServer();
 *   const end = new AbortController();
 *   const root = new URL("./", import.meta.url);
 *   const agent = serve({ connect: server.url, root, slots: 2, signal: end.signal });
 *   {
 *     await using pool = new Pool({ connect: server.url, root });
 *     for await (const result of pool.imap(cube, [1, 1])) assertEquals(result, 1);
 *   }
 *   end.abort();
 *   await agent;
 * }
 * ```
 *
 * @module
 */

export * from "../_internal/errors.ts";
export { task } from "../_internal/targets/describe.ts";
export type { WaitOptions, WaitSyncOptions } from "../_internal/options.ts";
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
} from "../multiprocessing/pool.ts";
export { type DevServer, devServer, type DevServerOptions } from "./dev_server.ts";
export { Event } from "./event.ts";
export { CodeMismatchError, EngineError, LeaseLostError, NoAgentError } from "./fleet_errors.ts";
export { type Lease, LeaseHolder, type LeaseOptions, Lock, type NamedOptions } from "./lock.ts";
export { type AgentInfo, type ConnectOptions, type DistributedOptions, Pool, type TlsOptions } from "./pool.ts";
export { Queue, type QueueOptions } from "./queue.ts";
export { Semaphore } from "./semaphore.ts";
export { serve, type ServeOptions } from "./serve.ts";
export { type Addend, type Bits, type TypeOf, Value, type ValueType } from "./value.ts";
