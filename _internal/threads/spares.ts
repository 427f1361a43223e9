/**
 * Workers that wait for threads to come: as many as threads were started lately, less one (a program with one thread needs none),
 * and at most one for each processor. They come up while processors have nothing to do for threads that do.
 *
 * ```text
 *   made ──PREPARE──▶ up ──Ahead──▶ through
 *    │  loads what      │  imports what     │
 *    │  any may need    │  the next runs    │
 *    └──────────────────┴───────────────────┴──▶ a thread's, or given up after a while
 * ```
 *
 * Where a thread runs the same as the last two, of which one has ended, a spare imports the modules of that before the next thread
 * comes, and is for such a thread alone from then on. Not where many are started at once: they may be all, and importing takes
 * from them. It has the thread's id by then, so that the modules find the threads' memory; a module that asks for
 * more, which thread it is, or that throws, spoils the spare, and the next thread imports it itself.
 *
 * @module
 */

import { now } from "../atomics.ts";
import type { Memory, ThreadMemory } from "../memory/memory.ts";
import { enter, kill } from "../memory/participants.ts";
import { isWorker } from "../runtime/this_thread.ts";
import { cpuCount, later } from "../runtime/runtime.ts";
import type { WorkerHandle } from "../runtime/workers.ts";
import { type Ahead, PREPARE, type Report } from "../work/starting.ts";

// Times in milliseconds.
/** How long a spare is kept without use. */
const IDLE = 3000;
/** How long after a start to look whether a spare can be made. */
const QUIET = 5;
/** How long a spare that was told to end may take before it is stopped from outside. */
const GRACE = 2000;

/** A worker that is spare until it is taken. */
export interface Spare {
  readonly handle: WorkerHandle;
  /** The id that its thread will have; 0: it gets one when it comes. */
  id: number;
}

interface Waiting<S extends Spare> {
  readonly spare: S;
  /** What it imports the modules of. */
  head: string | undefined;
  state: "made" | "up" | "through";
  /** Calls off that it is given up. */
  readonly keep: () => void;
}

/** The spares of this thread. */
export class Spares<S extends Spare> {
  readonly #make: () => S;
  readonly #countBooting: () => number;
  #waiting: Waiting<S>[] = [];
  /** When threads were started. */
  readonly #starts: number[] = [];
  #memory: Memory | undefined;
  #planned = false;
  /** What the thread ran that was started last, and what that which ended last. */
  #lastHead = "";
  #endedHead = "";
  /** Whether the thread that was started last ran what had been run before. */
  #isRepeated = false;
  /** Heads whose modules were imported ahead before. */
  readonly #proven: Set<string> = new Set();
  /** Heads whose modules are not imported ahead. */
  readonly #spoilt: Set<string> = new Set();

  /** `make` makes a worker that is no thread's, and `countBooting` counts the threads that have yet to begin. */
  constructor(make: () => S, countBooting: () => number) {
    this.#make = make;
    this.#countBooting = countBooting;
  }

  /** A worker for a thread that runs what the head names. `undefined`: there is none. */
  take(head: string): S | undefined {
    this.#isRepeated = head === this.#lastHead && head === this.#endedHead;
    this.#lastHead = head;
    if (this.#isRepeated) {
      for (const each of [...this.#waiting]) if (each.head !== undefined && each.head !== head) this.drop(each.spare);
    }
    // The best first, and of those the oldest. A thread whose worker still imports waits for it, and could not be told from a thread
    // that is stuck if these modules had not come up elsewhere.
    const taken = this.#waiting.find((each) => each.state === "through" && each.head === head) ??
      this.#waiting.find((each) => each.head === undefined) ??
      this.#waiting.find((each) => each.head === head && this.#proven.has(head));
    if (taken === undefined) return undefined;
    this.#remove(taken);
    return taken.spare;
  }

  /** A thread was started: there may be more. */
  noteStart(memory: Memory): void {
    this.#memory = memory;
    this.#starts.push(now());
    this.#plan();
  }

  /** A thread has ended that ran this. */
  noteEnd(head: string): void {
    this.#endedHead = head;
  }

  /** What a spare says. */
  hear(spare: S, report: Report): void {
    const waiting = this.#find(spare);
    if (waiting === undefined) return;
    if (report === "ready") {
      waiting.state = "up";
      this.#importAhead(waiting);
    } else if (report === "ahead") {
      waiting.state = "through";
      this.#proven.add(waiting.head!);
    } else if (report === "spoilt") {
      this.#spoilt.add(waiting.head!);
      this.drop(spare);
    }
    this.#plan();
  }

  /** Gives a spare up, if it is one. */
  drop(spare: S): void {
    const waiting = this.#find(spare);
    if (waiting === undefined) return;
    this.#remove(waiting);
    if (spare.id === 0) {
      spare.handle.terminate();
      return;
    }
    // It may be within a mutex of the memory. So it ends by itself, and leaves that. On Deno the id stays where a module keeps it.
    kill(this.#memory!, spare.id);
    later(() => spare.handle.terminate(), GRACE);
  }

  #find(spare: S): Waiting<S> | undefined {
    return this.#waiting.find((each) => each.spare === spare);
  }

  #remove(waiting: Waiting<S>): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiting);
    waiting.keep();
  }

  // Has it import what the next thread will run, as far as is known. Where this thread ends, its spares end with it and cannot
  // leave the table of participants: so the main thread alone has that done.
  #importAhead(waiting: Waiting<S>): void {
    const head = this.#lastHead;
    if (!this.#isRepeated || isWorker() || this.#spoilt.has(head)) return;
    const { spare } = waiting;
    try {
      spare.id = enter(this.#memory!, 0);
    } catch {
      // There are as many threads as there can be.
      return;
    }
    waiting.head = head;
    const ahead: Ahead = { buffer: (this.#memory as ThreadMemory).buffer, ahead: spare.id, head };
    spare.handle.post(ahead);
  }

  get #wanted(): number {
    const starts = this.#starts;
    while (starts.length > 0 && (starts[0] < now() - IDLE || starts.length > cpuCount() + 1)) starts.shift();
    return starts.length - 1;
  }

  #plan(): void {
    if (this.#planned || this.#waiting.length >= this.#wanted) return;
    this.#planned = true;
    later(() => {
      this.#planned = false;
      if (this.#waiting.length >= this.#wanted) return;
      // Not where a processor is wanted for each worker that comes up as it is: they would take each other's time.
      const coming = this.#waiting.filter(({ state, head }) =>
        state === "made" || state === "up" && head !== undefined
      );
      if (coming.length + this.#countBooting() < cpuCount()) this.#add();
      this.#plan();
    }, QUIET);
  }

  #add(): void {
    let spare: S;
    try {
      spare = this.#make();
    } catch {
      // The permission to read is gone: the next start() says so.
      return;
    }
    spare.handle.setRef(false);
    spare.handle.post(PREPARE);
    this.#waiting.push({ spare, head: undefined, state: "made", keep: later(() => this.drop(spare), IDLE) });
  }
}
