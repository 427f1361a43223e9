/**
 * Handles workers that end, that are given up, or whose shares are stuck behind a slow task.
 *
 * @module
 */

import { load, now } from "../atomics.ts";
import { later } from "../runtime/runtime.ts";
import type { Ending } from "../work/runner.ts";
import { ERRAND, RESOLVING, WORKED } from "./board.ts";
import { type Hired, TRIES } from "./crew.ts";
import type { Errands } from "./errands.ts";
import { readFunction, slowestResolved } from "./functions.ts";
import { endingError, type Identity, type Job } from "./job.ts";
import type { PoolParts } from "./parts.ts";
import { BEGUN, dropUnfinished, leave, LEFT, OVER, phaseOf, STATE, TOLD, workerOf } from "./task.ts";

/** Tasks behind a task that takes longer than this are posted again: milliseconds. */
const STUCK = 5;
/** The longest pause between two looks at shares, reached while none is stuck: milliseconds. Each look wakes this thread. */
const SELDOM = 40;
/** How long the owner waits for workers that were told to end and cannot be stopped: milliseconds. */
const GRACE = 1000;
/** A worker that takes this many times longer than the slowest other worker to get a function is not expected to get it. */
const SLOWER = 4;

/** Handles workers that end, are given up, or are stuck. */
export class Losses {
  readonly #its: PoolParts;
  readonly #errands: Errands;
  #terminated = 0;
  /** Cancels the next look at shares. */
  #calledOff: (() => void) | undefined;
  #pause = STUCK;
  /** The number of the next task of each worker's share, at the last look; -1: none. */
  readonly #next: Map<number, number> = new Map();
  /** The function whose module each worker imports, and since when that is known. */
  readonly #late: Map<number, { fn: number; since: number }> = new Map();
  /** Workers that are given up unless they finish their import in time. */
  readonly #stuck: Set<number> = new Set();

  constructor(its: PoolParts, errands: Errands) {
    this.#its = its;
    this.#errands = errands;
  }

  /** Notes that the workers were told to end. */
  terminate(): void {
    this.#terminated = now();
  }

  /** Ends the looks at shares, as the pool has ended. */
  stop(): void {
    this.#calledOff?.();
  }

  /** Finds workers that have ended, and handles their tasks. Returns whether there were any. */
  reap(exactly: boolean): boolean {
    const { crew } = this.#its;
    let found = false;
    const left = new Set(crew.left);
    for (const { worker, ending } of crew.reap(exactly)) {
      found = true;
      this.#deal(worker, ending, left.has(worker));
    }
    if (this.#terminated > 0 && now() - this.#terminated > GRACE) {
      for (const worker of crew.workers.values()) {
        found = true;
        this.#leave(worker);
      }
    }
    this.#its.posted.settle();
    return found;
  }

  #deal(worker: Hired, ending: Ending, wasLeft: boolean): void {
    const { board, crew, trays } = this.#its;
    const { space } = board;
    // Before anything is posted: otherwise the owner would rely on the dead worker forever if it was searching.
    board.endSearching(worker.id);
    this.#its.collect();
    const how = { ...ending, ...worker.handle.identity };
    const worked = crew.deskOf(worker, WORKED) !== 0;
    const resolving = crew.deskOf(worker, RESOLVING);
    const freed = new Set<number>();
    for (const number of this.#tasksOf(worker)) {
      const task = trays.taskOf(number);
      const job = trays.jobs[number];
      if (phaseOf(load(space.words, task + STATE)) === OVER) {
        if (job !== undefined) this.#its.posted.deliver(number, job);
      } else {
        freed.add(dropUnfinished(space, task));
        if (job !== undefined) this.#lose(number, job, how);
      }
      trays.back(number);
    }
    this.#its.posted.takeBackAll(trays.ready(worker.desk));
    this.#errands.lose(worker, crew.deskOf(worker, ERRAND), how);
    const pending = crew.clear(worker);
    if (pending !== 0 && !freed.has(pending)) space.free(pending);
    this.#next.delete(worker.id);
    this.#late.delete(worker.id);
    if (!wasLeft && !this.#its.hasFailed() && this.#its.broken === undefined && this.#terminated === 0) {
      if (resolving !== 0) this.#failToBegin(resolving, worker, ending);
      else if (!worked && ending.returned !== true) this.#failToStart(worker, ending);
    }
    // The dead worker may have received a notification for a task that it did not take.
    if (trays.out > 0) board.wake(trays.out);
    this.#its.plan();
  }

  // The tasks that a worker has begun, or has finished and not reported.
  #tasksOf({ id }: Hired): number[] {
    const { board, trays } = this.#its;
    const found: number[] = [];
    for (const number of trays.away()) {
      const state = load(board.words, trays.taskOf(number) + STATE);
      const phase = phaseOf(state);
      if ((phase === BEGUN || phase === TOLD || phase === OVER || phase === LEFT) && workerOf(state) === id) {
        found.push(number);
      }
    }
    return found;
  }

  #lose(number: number, job: Job, how: Ending & Identity): void {
    const { trays, crew } = this.#its;
    const batch = trays.batches[number];
    let index = trays.indexes[number];
    crew.failedStarts.succeed(job.fn);
    if (batch === undefined) trays.settle(number);
    else index = this.#its.posted.deliverLost(number, job, batch);
    if (index < 0) return;
    this.#its.posted.call(() => {
      const answer = job.lost(index, how);
      if (answer !== "again") {
        this.#its.posted.failed++;
        return answer;
      }
      this.#its.again(job);
      return false;
    });
  }

  // Handles a worker that ended while it imported the module of a function. Other workers may succeed, so the tasks of that
  // function are refused only after several rounds. Tasks of other functions are not affected.
  #failToBegin(fn: number, worker: Hired, ending: Ending): void {
    const { crew, board } = this.#its;
    if (!crew.failedStarts.note(fn, worker.id, crew.newest, crew.mayBegin)) return;
    const descriptor = readFunction(board.space, fn);
    const module = "module" in descriptor ? descriptor.module : undefined;
    const name = this.#its.functions.nameOf(fn);
    this.#its.refuse(fn, () =>
      endingError(
        `Cannot run ${name}${
          module === undefined ? "" : ` of ${module}`
        } as ${TRIES} times in a row workers ended before they had begun with it: the last one,`,
        { ...ending, ...worker.handle.identity },
        {
          hint:
            ": the top level of a module runs in each worker, so put the main part of the program under if (import.meta.main)",
        },
      ));
  }

  #failToStart(worker: Hired, ending: Ending): void {
    const { crew } = this.#its;
    if (!crew.failedStarts.note(0, worker.id, crew.newest, crew.mayBegin)) return;
    const hint = crew.options.initializer === null
      ? ""
      : ": if the initializer exits, or waits for something that never happens, have it throw instead";
    this.#its.break(
      ending.error ?? endingError(
        `Cannot run tasks as ${TRIES} times in a row workers ended before they had done anything: the last one,`,
        { ...ending, ...worker.handle.identity },
        { hint },
      ),
    );
  }

  /** Gives up the worker that runs a task after `ms` milliseconds, if it still runs the task then. */
  leaveAfter(ms: number, number: number, worker: number): void {
    const { trays, crew, board } = this.#its;
    const job = trays.jobs[number];
    const index = trays.indexes[number];
    // This timer does not keep the program alive; the posted task does.
    later(() => {
      if (this.#its.isDestroyed || trays.jobs[number] !== job || trays.indexes[number] !== index) return;
      const hired = crew.workers.get(worker);
      if (hired !== undefined && leave(board.space, trays.taskOf(number), worker)) this.#leave(hired);
    }, ms);
  }

  /**
   * Gives up workers that import the module of a function after `ms` milliseconds, if they still do so then and no caller wants
   * the function.
   */
  releaseStuck(fn: number, ms: number): void {
    const { trays, crew } = this.#its;
    const isStuck = (worker: Hired): boolean => crew.deskOf(worker, RESOLVING) === fn;
    for (const worker of crew.workers.values()) {
      if (!isStuck(worker) || this.#stuck.has(worker.id)) continue;
      this.#stuck.add(worker.id);
      later(() => {
        this.#stuck.delete(worker.id);
        if (this.#its.isDestroyed || crew.workers.get(worker.id) !== worker || !isStuck(worker)) return;
        for (const number of trays.live()) {
          const job = trays.jobs[number]!;
          if (job.fn === fn && job.wants(trays.indexes[number])) return;
        }
        this.#leave(worker);
      }, ms);
    }
  }

  /** Looks for modules that do not come up. Returns after how many milliseconds to look again; `Infinity`: there is no need. */
  lookAtImports(patience: number): number {
    if (this.#its.isDestroyed) return Infinity;
    const next = this.#its.crew.nameLate(patience, this.#its.trays.out > 0);
    return this.#leaveLate(patience) ? Math.min(next, patience) : next;
  }

  // Gives up workers that take far longer to import a module than other workers took: it may never be known what they wait for,
  // or that they have ended. Returns whether any worker is importing.
  #leaveLate(patience: number): boolean {
    const { board, crew } = this.#its;
    let found = false;
    for (const worker of [...crew.workers.values()]) {
      const fn = crew.deskOf(worker, RESOLVING);
      const late = this.#late.get(worker.id);
      if (fn === 0) {
        this.#late.delete(worker.id);
        continue;
      }
      found = true;
      const slowest = slowestResolved(board.space, fn);
      if (late?.fn !== fn) this.#late.set(worker.id, { fn, since: now() });
      else if (slowest > 0 && now() - late.since > Math.max(patience / 2, slowest * SLOWER)) this.#leave(worker);
    }
    return found;
  }

  // Gives up a worker. Its desk and its tasks' words are not used again until it ends, since it may still write to them.
  #leave(worker: Hired): void {
    const { board, crew, trays } = this.#its;
    crew.leave(worker);
    this.#its.collect();
    for (const number of this.#tasksOf(worker)) {
      const job = trays.jobs[number];
      const phase = phaseOf(load(board.words, trays.taskOf(number) + STATE));
      if (phase !== LEFT && phase !== OVER && !leave(board.space, trays.taskOf(number), worker.id)) continue;
      if (job !== undefined && phase !== OVER) this.#lose(number, job, worker.handle.identity);
    }
    this.#its.posted.readUntold();
    this.#its.posted.takeBackAll(trays.ready(worker.desk));
    this.#errands.lose(worker, crew.deskOf(worker, ERRAND), worker.handle.identity);
    this.#its.posted.settle();
    this.#its.plan();
  }

  /** Starts to look for shares that are stuck behind a slow task, and for reports that are due, as long as there may be any. */
  watchShares(): void {
    const { trays, crew } = this.#its;
    for (const worker of crew.workers.values()) {
      if (trays.isOld(worker.desk)) this.#its.posted.takeBackAll(trays.ready(worker.desk));
    }
    if (this.#calledOff === undefined && (this.#mayBeStuck || this.#its.posted.isAhead())) this.#lookIn(STUCK);
  }

  get #mayBeStuck(): boolean {
    return this.#its.trays.out > 1 && this.#its.crew.workers.size > 0;
  }

  #lookIn(pause: number): void {
    this.#pause = pause;
    // This timer does not keep the program alive; the posted tasks do.
    this.#calledOff = later(() => {
      this.#calledOff = undefined;
      if (this.#its.isDestroyed) return;
      const { posted } = this.#its;
      const found = this.#freeShares() || posted.readUntold();
      // If no task is posted, nothing else has the owner read the reports of the tasks whose outcomes it has, or notice that
      // a worker has ended before its report.
      if (posted.isAhead()) {
        this.#its.collect();
        this.reap(true);
      }
      if (this.#mayBeStuck || posted.isAhead()) this.#lookIn(found ? STUCK : Math.min(this.#pause * 2, SELDOM));
    }, pause);
  }

  // Takes back the tasks behind slow ones. A free worker takes tasks from the shares of others by itself. If no worker is free, the
  // tasks behind a slow task would wait for it, while other workers begin with tasks that were posted later. So all tasks that
  // have not begun are posted again, in order. Shares of workers that import a module do not count as stuck. Returns whether
  // there were any.
  #freeShares(): boolean {
    const { trays, crew, size } = this.#its;
    if (size === 1) return false;
    let found = false;
    for (const worker of crew.workers.values()) {
      const next = crew.deskOf(worker, RESOLVING) === 0 ? trays.ready(worker.desk)[0] ?? -1 : -1;
      if (next >= 0 && this.#next.get(worker.id) === next) found = true;
      this.#next.set(worker.id, next);
    }
    if (found) this.#its.posted.takeBackAll([...trays.live()].filter((number) => !trays.isAside(number)));
    return this.#its.posted.freeBatches() || found;
  }
}
