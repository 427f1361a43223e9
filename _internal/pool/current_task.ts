/**
 * Tasks while they run: from inside, in the worker, what a task may know of itself; from outside, in the owner of the pool, the
 * trace of which worker ran which task when.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { writeTextFile } from "../runtime/runtime.ts";
import { onAnyEnd } from "../runtime/this_thread.ts";
import type { Board } from "./board.ts";

// From inside.

/** The running task, from inside. */
export interface CurrentTask {
  /**
   * Whether the caller that submitted the task has given it up: by signal, by timeout, by terminating the pool. Reads shared
   * memory, so it becomes true at once, also in a busy loop.
   */
  readonly cancelled: boolean;
  /** The same as a signal, which is aborted when the event loop of the worker turns: for `fetch` and the like. */
  readonly signal: AbortSignal;
}

/** How often a task whose signal is in use is checked: milliseconds. */
const CHECK = 10;

let board: Board | undefined;
let slot = 0;
let unit = 0;
let current: Task | undefined;

class Task implements CurrentTask {
  readonly #board: Board;
  readonly #slot: number;
  readonly #unit: number;
  /** What it was when the task ended: the slot is another's then. */
  #outcome: boolean | undefined;
  #controller: AbortController | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(board: Board, slot: number, unit: number) {
    this.#board = board;
    this.#slot = slot;
    this.#unit = unit;
  }

  get cancelled(): boolean {
    return this.#outcome ?? this.#board.isCancelled(this.#slot, this.#unit);
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = this.#controller = new AbortController();
      if (this.cancelled) {
        controller.abort();
      } else if (this.#outcome === undefined) {
        this.#timer = setInterval(() => {
          if (!this.cancelled) return;
          clearInterval(this.#timer);
          controller.abort();
        }, CHECK);
      }
    }
    return this.#controller.signal;
  }

  end(): void {
    this.#outcome = this.cancelled;
    clearInterval(this.#timer);
  }
}

/** Says that a task begins. Its object is made when the program asks for it. */
export function beginTask(its: Board, itsSlot: number, itsUnit: number): void {
  board = its;
  slot = itsSlot;
  unit = itsUnit;
}

/** Whether a task runs. */
export function isTaskRunning(): boolean {
  return board !== undefined;
}

/** Says that it is over. */
export function endTask(): void {
  board = undefined;
  current?.end();
  current = undefined;
}

/**
 * The task that the calling pool worker runs; `undefined` outside of a task.
 *
 * @example
 * ```ts
 * import { currentTask, Pool } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export function countUntilCancelled(): number {
 *   let n = 0;
 *   while (!currentTask()!.cancelled) n++;
 *   return n;
 * }
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(1);
 *   const outcome = await pool.apply(countUntilCancelled, [], { timeout: 50 }).catch((error) => error.name);
 *   assertEquals(outcome, "TimeoutError");
 * }
 * ```
 */
export function currentTask(): CurrentTask | undefined {
  if (board === undefined) return undefined;
  return current ??= new Task(board, slot, unit);
}

// From outside: a pool's work as a picture in Chrome's trace format, for Perfetto (ui.perfetto.dev) or chrome://tracing. There
// is a row for each worker, a slice for each chunk of tasks, and the depth of the queue as a counter.

/** The trace of a pool as an object, in Chrome's JSON format. */
export interface PoolTrace {
  /** Events; times in microseconds. */
  traceEvents: TraceEvent[];
  /** How viewers show times. */
  displayTimeUnit: "ms";
}

/** One event of a {@linkcode PoolTrace}. */
export interface TraceEvent {
  /** What the slice or counter is called. */
  name: string;
  /** `X` a slice, `C` a counter, `M` a name. */
  ph: "X" | "C" | "M";
  /** The pool. */
  pid: number;
  /** The worker. */
  tid: number;
  /** Begin, in microseconds since the pool's beginning. */
  ts?: number;
  /** Length, in microseconds. */
  dur?: number;
  /** What viewers show beside. */
  args?: Record<string, string | number>;
}

/** Traces that go to a file once their pool has ended, or the program. */
const unwritten = new Map<Trace, string>();
let listening = false;

/** Collects events. */
export class Trace {
  readonly #events: TraceEvent[] = [];
  readonly #begin: number = now();
  #depth = -1;

  constructor(name: string) {
    this.#events.push({ name: "process_name", ph: "M", pid: 1, tid: 0, args: { name } });
  }

  worker(worker: number, name: string): void {
    this.#events.push({ name: "thread_name", ph: "M", pid: 1, tid: worker, args: { name } });
  }

  slice(worker: number, name: string, ms: number, duration: number, first: number, tasks: number): void {
    this.#events.push({
      name: tasks === 1 ? name : `${name} ×${tasks}`,
      ph: "X",
      pid: 1,
      tid: worker,
      ts: ms * 1000,
      dur: duration * 1000,
      args: { first, tasks },
    });
  }

  depth(queued: number): void {
    if (queued === this.#depth) return;
    this.#depth = queued;
    this.#events.push({ name: "queued", ph: "C", pid: 1, tid: 0, ts: (now() - this.#begin) * 1000, args: { queued } });
  }

  toJSON(): PoolTrace {
    return { traceEvents: this.#events, displayTimeUnit: "ms" };
  }

  /** Has it written when the pool ends, or the program while the pool does not. */
  writeAtEnd(path: string): void {
    if (unwritten.size === 0 && !listening) {
      listening = true;
      onAnyEnd(() => {
        for (const [trace, path] of unwritten) trace.#writeLast(path);
      });
    }
    unwritten.set(this, path);
  }

  write(): void {
    const path = unwritten.get(this);
    unwritten.delete(this);
    if (path !== undefined) writeTextFile(path, JSON.stringify(this));
  }

  // The program ends with what it has to say itself: that it could not be written is printed.
  #writeLast(path: string): void {
    try {
      writeTextFile(path, JSON.stringify(this));
    } catch (error) {
      console.error(`Cannot write the trace of a pool to ${path}:`, error);
    }
  }
}
