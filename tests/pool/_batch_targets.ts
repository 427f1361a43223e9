/** Functions for the tests of batches, in a file of their own, as Bun imports no test file in a worker. */

import type { CurrentTask, Event, Lock, Semaphore, SharedArray } from "@weft/concurrent/threading";
import { currentTask } from "@weft/concurrent/threading";
import process from "node:process";

/** What the tests share with the workers. */
export interface Shared {
  /** How often each item was called. */
  readonly counts: SharedArray<"i32">;
  /** The items for which a function behaves differently. */
  readonly marked: SharedArray<"i32">;
  /** What a function reports besides its result. */
  readonly notes: SharedArray<"i32">;
  /** An item that is marked is called. */
  readonly begun: Semaphore;
  /** It has come to its end. */
  readonly over: Semaphore;
  /** It may go on. */
  readonly event: Event;
  readonly lock: Lock;
}

/** In {@linkcode Shared.notes}: workers that compute go on when this number changes. */
export const GO = 15;

let shared: Shared;
let counts: Int32Array;
let marked: Int32Array;
let notes: Int32Array;

/** The initializer of all these pools. */
export function share(its: Shared): void {
  shared = its;
  counts = its.counts.array;
  marked = its.marked.array;
  notes = its.notes.array;
}

// The functions below take well below a microsecond, except for marked items.

/** Counts the call, and returns whether the item is marked. */
function isMarked(x: number): boolean {
  Atomics.add(counts, x, 1);
  return x === marked[0] || x === marked[1] || x === marked[2] || x === marked[3];
}

function isFirstTry(): boolean {
  return currentTask()!.attempt === 1;
}

export function countAndSquare(x: number): number {
  isMarked(x);
  return x * x;
}

export function same(x: number): number {
  return x;
}

export function half(x: number): number {
  return x / 2;
}

export function failWhereMarked(x: number): number {
  if (isMarked(x)) throw new RangeError(`item ${x}`);
  return x * x;
}

/** Fails at the first marked item only when that at the second has failed. */
export function failLateAtFirst(x: number): number {
  if (!isMarked(x)) return x * x;
  while (x === marked[0] && Atomics.load(counts, marked[1]!) === 0);
  throw new RangeError(`item ${x}`);
}

// Results that are not numbers. Each has its own function: a function that has returned such a result gets no more batches.

export function textWhereMarked(x: number): unknown {
  return isMarked(x) ? "text" : x * x;
}

export function nothingWhereMarked(x: number): unknown {
  return isMarked(x) ? undefined : x * x;
}

export function objectWhereMarked(x: number): unknown {
  return isMarked(x) ? { x, deep: [null, new Map([[x, true]])] } : x * x;
}

export function bytesWhereMarked(x: number): unknown {
  return isMarked(x) ? new Uint8Array(100_000).fill(7) : x * x;
}

export function bigintWhereMarked(x: number): unknown {
  return isMarked(x) ? BigInt(x) ** 9n : x * x;
}

export function boxWhereMarked(x: number): unknown {
  return isMarked(x) ? Object(x) : x * x;
}

export function numberLaterWhereMarked(x: number): unknown {
  return isMarked(x) ? new Promise((resolve) => setTimeout(() => resolve(-x), 1)) : x * x;
}

export function numberAtOnceWhereMarked(x: number): unknown {
  return isMarked(x) ? Promise.resolve(-x) : x * x;
}

export function textLaterWhereMarked(x: number): unknown {
  return isMarked(x) ? new Promise((resolve) => setTimeout(() => resolve(`${x}`), 1)) : x * x;
}

export function thenableWhereMarked(x: number): unknown {
  return isMarked(x) ? { then: (resolve: (value: number) => void) => resolve(-x) } : x * x;
}

export function failLaterWhereMarked(x: number): unknown {
  return isMarked(x) ? new Promise((_, reject) => setTimeout(() => reject(new RangeError(`item ${x}`)), 1)) : x * x;
}

export function functionWhereMarked(x: number): unknown {
  return isMarked(x) ? () => x : x * x;
}

export function brokenThenableWhereMarked(x: number): unknown {
  if (!isMarked(x)) return x * x;
  return {
    get then(): never {
      throw new RangeError(`item ${x}`);
    },
  };
}

// Items that take long.

export function waitWhereMarked(x: number): number {
  if (isMarked(x)) {
    shared.begun.release();
    shared.event.waitSync({ timeout: 20_000 });
  }
  return x * x;
}

/** Waits at the first try only. */
export function waitOnceWhereMarked(x: number): number {
  if (isMarked(x) && isFirstTry()) {
    shared.begun.release();
    shared.event.waitSync({ timeout: 20_000 });
  }
  return x * x;
}

export function waitLaterWhereMarked(x: number): number | Promise<number> {
  if (!isMarked(x)) return x * x;
  return shared.event.wait({ timeout: 20_000 }).then(() => x * x);
}

/** Computes at the marked item, without a call into the library that could end it. */
export function spinWhereMarked(x: number): number {
  if (isMarked(x)) {
    const before = Atomics.load(notes, GO);
    shared.begun.release();
    while (Atomics.load(notes, GO) === before);
  }
  return x * x;
}

// Items whose workers end.

export function exitWhereMarked(x: number): number {
  if (isMarked(x) && isFirstTry()) process.exit(3);
  return x * x;
}

/** Only for processes: a thread would end its program. */
export function killWhereMarked(x: number): number {
  if (isMarked(x) && isFirstTry()) process.kill(process.pid, "SIGKILL");
  return x * x;
}

// What an item knows about itself.

let last: CurrentTask | undefined;

/** Whether the item has a correct task of its own. */
export function hasOwnTask(x: number): number {
  isMarked(x);
  const task = currentTask()!;
  const isOwn = task !== last && task === currentTask() && task.attempt === 1 && !task.cancelled && !last?.cancelled;
  last = task;
  return Number(isOwn);
}

let tasks: CurrentTask[] = [];

/** At the marked item, runs until it is given up. Notes what this item and an earlier one know about that. */
export function listenWhereMarked(x: number): number {
  const task = currentTask()!;
  if (isMarked(x)) {
    const { signal } = last!;
    tasks = [last!, task];
    const before = tasks.map(({ cancelled }) => cancelled);
    shared.begun.release();
    while (!task.cancelled);
    const after = [...tasks.map(({ cancelled }) => cancelled), signal.aborted, task.signal.aborted];
    notes.set([...before, ...after].map(Number));
    shared.over.release();
  }
  last = task;
  return x * x;
}

/** Fails at the first marked item when the second has begun, which runs until it is given up. */
export function failBelowListening(x: number): number {
  if (!isMarked(x)) return x * x;
  if (x === marked[0]) {
    while (Atomics.load(counts, marked[1]!) === 0);
    throw new RangeError(`item ${x}`);
  }
  while (!currentTask()!.cancelled);
  shared.over.release();
  return x * x;
}

/** What both know about it afterwards. */
export function wereCancelled(): boolean[] {
  return tasks.map(({ cancelled }) => cancelled);
}

/** Returns when its own signal is aborted. */
export function listenLaterWhereMarked(x: number): number | Promise<number> {
  if (!isMarked(x)) return x * x;
  const { signal } = currentTask()!;
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => {
      shared.over.release();
      resolve(x);
    });
    shared.begun.release();
  });
}

/** Leaves the lock held at the first marked item. Notes whether it is abandoned at the second, if that runs later. */
export function lockWhereMarked(x: number): number {
  if (!isMarked(x)) return x * x;
  if (Atomics.load(counts, marked[0]!) === 0) return 1;
  if (x === marked[0]) {
    shared.lock.acquireSync();
    return x * x;
  }
  const guard = shared.lock.acquireSync({ timeout: 10_000 });
  guard[Symbol.dispose]();
  return Number(guard.abandoned);
}
