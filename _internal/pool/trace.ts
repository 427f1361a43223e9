/**
 * The trace of a pool in Chrome's trace format, for Perfetto (ui.perfetto.dev) or chrome://tracing. It has a row for each
 * worker, a slice for each group of tasks that the worker reported together, and a counter of queued tasks.
 *
 * @module
 */

import { writeTextFile } from "../runtime/runtime.ts";
import { onAnyEnd } from "../runtime/this_thread.ts";

/**
 * The trace of a pool, in Chrome's JSON format: the result of {@linkcode BasePool.trace}.
 *
 * `JSON.stringify` turns it into the contents of a file that Perfetto (ui.perfetto.dev) and `chrome://tracing` open.
 *
 * Python has no equivalent.
 */
export interface PoolTrace {
  /** What happened, in the order in which the pool learned of it. Times are in microseconds. */
  traceEvents: TraceEvent[];
  /** The unit in which viewers show times. */
  displayTimeUnit: "ms";
}

/**
 * An event of a {@linkcode PoolTrace}, with the field names of Chrome's format.
 *
 * Python has no equivalent.
 */
export interface TraceEvent {
  /**
   * The name of a slice, such as `sqrt`, or `sqrt ×20` for 20 tasks; of the counter, `queued`; or the kind of name that is
   * given, `process_name` or `thread_name`.
   */
  name: string;
  /** The kind of event: `X` is a slice, `C` a counter, `M` gives a name to the pool or to a worker. */
  ph: "X" | "C" | "M";
  /** The process in the viewer, which stands for the pool: always 1. */
  pid: number;
  /** The number of the worker, from 1. Events of the pool as a whole have 0. */
  tid: number;
  /** When the event began, in microseconds since the pool began. Names have no time. */
  ts?: number;
  /** How long a slice lasted, in microseconds. Counters and names have no duration. */
  dur?: number;
  /**
   * Details: for a slice `first`, the index of its first item, and `tasks`, the number of its tasks; for the counter
   * `queued`, the number of tasks that no worker has begun; for a name `name`.
   */
  args?: Record<string, string | number>;
}

/** Traces that are written to a file when their pool ends, or when the program ends before it. */
const unwritten = new Map<Trace, string>();
let listening = false;

/** Collects events. */
export class Trace {
  readonly #events: TraceEvent[] = [];
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

  /** Notes how many tasks wait, `ms` after the pool began: the clock of the slices, which may be later than this object. */
  depth(queued: number, ms: number): void {
    if (queued === this.#depth) return;
    this.#depth = queued;
    this.#events.push({ name: "queued", ph: "C", pid: 1, tid: 0, ts: ms * 1000, args: { queued } });
  }

  toJSON(): PoolTrace {
    return { traceEvents: this.#events, displayTimeUnit: "ms" };
  }

  /** Registers the trace to be written when the program ends, unless {@linkcode Trace.write} was called before. */
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

  // Prints the error: it must not replace the error or exit code with which the program ends.
  #writeLast(path: string): void {
    try {
      writeTextFile(path, JSON.stringify(this));
    } catch (error) {
      console.error(`Cannot write the trace of a pool to ${path}:`, error);
    }
  }
}
