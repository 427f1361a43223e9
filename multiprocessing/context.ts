/**
 * Everything of this package with a start method of its own.
 *
 * @module
 */

import { Barrier } from "./barrier.ts";
import { BoundedSemaphore } from "./bounded_semaphore.ts";
import { Condition } from "./condition.ts";
import { Connection, Pipe } from "./connection.ts";
import { activeChildren, cpuCount, currentProcess, parentProcess } from "./current.ts";
import { Event } from "./event.ts";
import { Latch } from "./latch.ts";
import { LifoQueue } from "./lifo_queue.ts";
import { Lock } from "./lock.ts";
import { asCompleted, currentTask, Future, type Pool, poolOf, wait } from "./pool.ts";
import { PriorityQueue } from "./priority_queue.ts";
import { Process, type ProcessOptions, setMethod } from "./process.ts";
import { Queue } from "./queue.ts";
import { RLock } from "./rlock.ts";
import { RWLock } from "./rwlock.ts";
import { Semaphore } from "./semaphore.ts";
import { SharedArray } from "./shared_array.ts";
import { SharedMemory } from "./shared_memory.ts";
import { getAllStartMethods, methodInUse, type StartMethod, validateMethod } from "./start_method.ts";
import { Value } from "./value.ts";

/** What {@linkcode getContext} returns: the package's classes and functions, with processes that start by one method. */
export interface Context {
  /** As {@linkcode Process}; its instances are such, too. */
  readonly Process: typeof Process;
  /** As the package's own. */
  readonly Barrier: typeof Barrier;
  /** As the package's own. */
  readonly BoundedSemaphore: typeof BoundedSemaphore;
  /** As the package's own. */
  readonly Condition: typeof Condition;
  /** As the package's own. */
  readonly Connection: typeof Connection;
  /** As the package's own. */
  readonly Event: typeof Event;
  /** As the package's own. */
  readonly Future: typeof Future;
  /** As the package's own. */
  readonly Latch: typeof Latch;
  /** As the package's own. */
  readonly LifoQueue: typeof LifoQueue;
  /** As the package's own. */
  readonly Lock: typeof Lock;
  /** As the package's own. */
  readonly Pipe: typeof Pipe;
  /** As {@linkcode Pool}; its workers start by the context's method. */
  readonly Pool: typeof Pool;
  /** As the package's own. */
  readonly PriorityQueue: typeof PriorityQueue;
  /** As the package's own. */
  readonly Queue: typeof Queue;
  /** As the package's own. */
  readonly RLock: typeof RLock;
  /** As the package's own. */
  readonly RWLock: typeof RWLock;
  /** As the package's own. */
  readonly Semaphore: typeof Semaphore;
  /** As the package's own. */
  readonly SharedArray: typeof SharedArray;
  /** As the package's own. */
  readonly SharedMemory: typeof SharedMemory;
  /** As the package's own. */
  readonly Value: typeof Value;
  /** As the package's own. */
  readonly activeChildren: typeof activeChildren;
  /** As the package's own. */
  readonly asCompleted: typeof asCompleted;
  /** As the package's own. */
  readonly cpuCount: typeof cpuCount;
  /** As the package's own. */
  readonly currentProcess: typeof currentProcess;
  /** As the package's own. */
  readonly currentTask: typeof currentTask;
  /** As the package's own. */
  readonly parentProcess: typeof parentProcess;
  /** As the package's own. */
  readonly wait: typeof wait;
  /** As the package's own. */
  getAllStartMethods(): StartMethod[];
  /** The method of this context. */
  getStartMethod(): StartMethod;
}

/**
 * The package with a start method of its own, whatever {@linkcode setStartMethod} says: for libraries, which should not
 * change what is the program's. Without a method: that of the program, as it is now.
 *
 * Python: `multiprocessing.get_context`.
 *
 * @throws {NotSupportedError} For `"fork"`, and the message says why.
 * @throws {TypeError} If there is no such method.
 *
 * @example
 * ```ts
 * import { getContext } from "@weft/concurrent/multiprocessing";
 *
 * export function work(): void {}
 *
 * if (import.meta.main) {
 *   const context = getContext("spawn");
 *   const process = new context.Process({ target: work }).start();
 *   await process.join();
 * }
 * ```
 */
export function getContext(method: StartMethod = methodInUse()): Context {
  validateMethod(method, "get context");
  const OfContext = class<A extends unknown[] = unknown[], R = unknown> extends Process<A, R> {
    constructor(options?: ProcessOptions<A, R>) {
      super(options);
      setMethod(this as never, method);
    }
  };
  Object.defineProperty(OfContext, "name", { value: "Process" });
  return {
    Process: OfContext,
    Barrier,
    BoundedSemaphore,
    Condition,
    Connection,
    Event,
    Future,
    Latch,
    LifoQueue,
    Lock,
    Pipe,
    Pool: poolOf(method),
    PriorityQueue,
    Queue,
    RLock,
    RWLock,
    Semaphore,
    SharedArray,
    SharedMemory,
    Value,
    activeChildren,
    asCompleted,
    cpuCount,
    currentProcess,
    currentTask,
    parentProcess,
    wait,
    getAllStartMethods,
    getStartMethod: () => method,
  };
}
