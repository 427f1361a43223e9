/**
 * A pool's work as a picture in Chrome's trace format, for Perfetto (ui.perfetto.dev) or chrome://tracing: a row for each worker,
 * a slice for what it did of a function at a time, and the depth of the queue as a counter.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { writeTextFile } from "../runtime/runtime.ts";
import { onAnyEnd } from "../runtime/this_thread.ts";

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
