/**
 * What a pool does where a worker ends, is given up, or lets others wait.
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

/** What stands behind a task that takes longer than this is posted again: milliseconds. */
const STUCK = 5;
/** While there is nothing of that kind, this thread looks for it only so often: each look wakes it. */
const SELDOM = 40;
/** How long workers that were told to end are waited for, where they cannot be stopped: milliseconds. */
const GRACE = 1000;
/** A worker that takes so many times as long as all others until it can call a function does not come to it. */
const SLOWER = 4;

/** Looks after workers that end, are given up, or are stuck. */
export class Losses {
  readonly #its: PoolParts;
  readonly #errands: Errands;
  #terminated = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #pause = STUCK;
  /** Of each worker, the task of its share that it comes to next, as it was when it was looked at last. */
  readonly #next: Map<number, number> = new Map();
  /** What each worker imports, and since when that is known. */
  readonly #late: Map<number, { fn: number; since: number }> = new Map();
  /** Workers that are given up unless they import what they import in time. */
  readonly #stuck: Set<number> = new Set();

  constructor(its: PoolParts, errands: Errands) {
    this.#its = its;
    this.#errands = errands;
  }

  /** The workers were told to end. */
  terminate(): void {
    this.#terminated = now();
  }

  /** Looks at nothing any more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Finds out which workers have ended, and deals with what they leave behind. */
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
    // Before anything is posted: a searching worker that is dead would be trusted for ever.
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
    // It may have been woken for a task that it did not take.
    if (trays.out > 0) board.wake(trays.out);
    this.#its.plan();
  }

  // The tasks that a worker has, or has finished without having told.
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

  // It ended while it imported the function's module. The others may come further, but not for ever. Tasks of other functions are
  // not concerned.
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
            ": what a module does at its top it does in each worker, so put the main part under if (import.meta.main)",
        },
      ));
  }

  #failToStart(worker: Hired, ending: Ending): void {
    const { crew } = this.#its;
    if (!crew.failedStarts.note(0, worker.id, crew.newest, crew.mayBegin)) return;
    const hint = crew.options.initializer === null
      ? ""
      : ": if it was the initializer that exited, or waits for what nothing brings, have it throw instead";
    this.#its.break(
      ending.error ?? endingError(
        `Cannot run tasks as ${TRIES} times in a row workers ended before they had done anything: the last one,`,
        { ...ending, ...worker.handle.identity },
        { hint },
      ),
    );
  }

  /** Gives the worker that runs a task up, in a while, if it runs it then. */
  leaveAfter(ms: number, number: number, worker: number): void {
    const { trays, crew, board } = this.#its;
    const job = trays.jobs[number];
    const index = trays.indexes[number];
    // What is posted keeps the program alive.
    later(() => {
      if (this.#its.isDestroyed || trays.jobs[number] !== job || trays.indexes[number] !== index) return;
      const hired = crew.workers.get(worker);
      if (hired !== undefined && leave(board.space, trays.taskOf(number), worker)) this.#leave(hired);
    }, ms);
  }

  /** Gives the workers up that import the module of a function, in a while, if they do so then and no caller wants it. */
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

  /** Looks at the modules that workers import. After how many milliseconds to look again; `Infinity`: there is no need. */
  lookAtImports(patience: number): number {
    if (this.#its.isDestroyed) return Infinity;
    const next = this.#its.crew.nameLate(patience, this.#its.trays.out > 0);
    return this.#leaveLate(patience) ? Math.min(next, patience) : next;
  }

  // Gives up workers that do not come up with a function although others have, and these in far less time: nothing may ever tell
  // how they ended, or what they wait for. Whether there may be any.
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

  // The worker keeps what it may still write to, until it ends.
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

  /** Looks now and then at shares that are stuck behind a task, as long as there may be any. */
  watchShares(): void {
    const { trays, crew } = this.#its;
    for (const worker of crew.workers.values()) {
      if (trays.isOld(worker.desk)) this.#its.posted.takeBackAll(trays.ready(worker.desk));
    }
    if (this.#timer === undefined && this.#mayBeStuck) this.#lookIn(STUCK);
  }

  get #mayBeStuck(): boolean {
    return this.#its.trays.out > 1 && this.#its.crew.workers.size > 0;
  }

  #lookIn(pause: number): void {
    this.#pause = pause;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#its.isDestroyed) return;
      const found = this.#freeShares() || this.#its.posted.readUntold();
      if (this.#mayBeStuck) this.#lookIn(found ? STUCK : Math.min(this.#pause * 2, SELDOM));
    }, pause);
  }

  // A worker that is free takes from the shares of others by itself. Where none is, what stands behind a slow task waits for it,
  // although others come to tasks that were posted later: so all is posted anew, in order. What a worker imports is waited for.
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
