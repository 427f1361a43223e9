import { Pipe } from "@weft/concurrent/multiprocessing";
import type { Scope } from "../suites/_scope.ts";
import {
  barrierStorm,
  conditionStorm,
  lockStorm,
  pipeStorm,
  queueStorm,
  rwLockStorm,
  semaphoreStorm,
  type Storm,
} from "./_storm.ts";

/** The storms for threads, or for processes. */
export function storms(scope: Scope): [name: string, storm: Storm][] {
  return [
    ["Lock", lockStorm("Lock")],
    ["RLock", lockStorm("RLock")],
    ["RWLock", rwLockStorm],
    ["Semaphore", semaphoreStorm],
    ["Queue", queueStorm("Queue", 0, 0)],
    ["Queue with room for 5", queueStorm("Queue", 5, 0)],
    ["Queue of large items", queueStorm("Queue", 3, 20_000)],
    ["LifoQueue", queueStorm("LifoQueue", 50, 0)],
    ["PriorityQueue", queueStorm("PriorityQueue", 50, 0)],
    ["Condition", conditionStorm],
    ["Barrier", barrierStorm],
    ...scope.name === "process" ? [["Pipe", pipeStorm(() => Pipe<number>())] as [string, Storm]] : [],
  ];
}
