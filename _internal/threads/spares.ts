/**
 * Workers that wait for later threads. There are as many as threads were started lately, less one (a program with a single
 * thread needs none), and at most one for each processor. A spare is made only while fewer workers are coming up than there
 * are processors, so that it takes no time from threads.
 *
 * ```text
 *   made ──PREPARE──▶ up ──Ahead──▶ through
 *    │  loads what      │  imports what     │
 *    │  any may need    │  the next runs    │
 *    └──────────────────┴───────────────────┴──▶ a thread's, or dropped after a while
 * ```
 *
 * If the last two threads ran the same target and a thread that ran it has ended, a spare imports the modules of that target before
 * the next start, and can then be used for that target only. This is not done while threads that run the same are started in
 * quick succession: there may be no further thread, and importing would take time from these. The spare already has
 * the id of its later thread, so that the modules find the threads' memory. A module that throws, or that asks which thread it
 * is in, spoils the spare: it ends, and the next thread imports the module itself.
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
/** How long an unused spare is kept. */
const IDLE = 3000;
/** How long after a start to look whether a spare can be made. */
const QUIET = 5;
/** How long a spare that was asked to end may take before it is stopped from outside. */
const GRACE = 2000;

/** A worker that is not a thread's yet. */
export interface Spare {
  readonly handle: WorkerHandle;
  /** The id that its thread will have; 0 if the id is given with the thread. */
  id: number;
}

interface Waiting<S extends Spare> {
  readonly spare: S;
  /** The head of the target whose modules it imports or has imported. */
  head: string | undefined;
  state: "made" | "up" | "through";
  /** Keeps it from being dropped for lack of use. */
  readonly keep: () => void;
}

/** The spares of this thread. */
export class Spares<S extends Spare> {
  readonly #make: () => S;
  readonly #countBooting: () => number;
  #waiting: Waiting<S>[] = [];
  /** The times at which threads were started. */
  readonly #starts: number[] = [];
  #memory: Memory | undefined;
  #planned = false;
  /** The heads of the thread that was started last, and of the thread that ended last. */
  #lastHead = "";
  #endedHead = "";
  /** Whether the thread that was started last had the same head as the thread before it and the thread that ended last. */
  #isRepeated = false;
  /** Heads whose modules a spare has imported successfully. */
  readonly #proven: Set<string> = new Set();
  /** Heads whose modules must not be imported ahead. */
  readonly #spoilt: Set<string> = new Set();

  /** `make` makes a worker without a thread, and `countBooting` counts the threads that have not begun. */
  constructor(make: () => S, countBooting: () => number) {
    this.#make = make;
    this.#countBooting = countBooting;
  }

  /** Takes a spare for a thread with this head; `undefined` if there is none. */
  take(head: string): S | undefined {
    this.#isRepeated = head === this.#lastHead && head === this.#endedHead;
    this.#lastHead = head;
    if (this.#isRepeated) {
      for (const each of [...this.#waiting]) if (each.head !== undefined && each.head !== head) this.drop(each.spare);
    }
    // The best spare first, and among equal ones the oldest. A spare that is still importing is used only if the import has
    // succeeded in an earlier spare: it reports no slow module, so a thread that waits for it could be stuck without a word.
    const taken = this.#waiting.find((each) => each.state === "through" && each.head === head) ??
      this.#waiting.find((each) => each.head === undefined) ??
      this.#waiting.find((each) => each.head === head && this.#proven.has(head));
    if (taken === undefined) return undefined;
    this.#remove(taken);
    return taken.spare;
  }

  /** Notes that a thread was started: more spares may be wanted. */
  noteStart(memory: Memory): void {
    this.#memory = memory;
    this.#starts.push(now());
    this.#plan();
  }

  /** Notes that a thread with this head has ended. */
  noteEnd(head: string): void {
    this.#endedHead = head;
  }

  /** Handles a report of a spare. */
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

  /** Drops a worker, if it is a spare. */
  drop(spare: S): void {
    const waiting = this.#find(spare);
    if (waiting === undefined) return;
    this.#remove(waiting);
    if (spare.id === 0) {
      spare.handle.terminate();
      return;
    }
    // It may hold a mutex of the memory, so it is asked to end by itself, and then leaves the memory. On Deno its id is lost if a
    // module of it computes without end.
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

  // Makes a spare import what the next thread will probably run. If this thread ended, its spares would end with it and could
  // not leave the table of participants. So only the main thread does this.
  #importAhead(waiting: Waiting<S>): void {
    const head = this.#lastHead;
    if (!this.#isRepeated || isWorker() || this.#spoilt.has(head)) return;
    const { spare } = waiting;
    try {
      spare.id = enter(this.#memory!, 0);
    } catch {
      // The table of participants is full.
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
      // Not if a processor is needed for each worker that is coming up already: they would slow each other down.
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
      // The program has lost the read permission. The next start() throws for that.
      return;
    }
    spare.handle.setRef(false);
    spare.handle.post(PREPARE);
    this.#waiting.push({ spare, head: undefined, state: "made", keep: later(() => this.drop(spare), IDLE) });
  }
}
