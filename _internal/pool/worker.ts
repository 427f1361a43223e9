/**
 * The main loop of a pool's worker: it begins with one task after the other until no more will come.
 *
 * @module
 */

import { compareExchange, load, now, store } from "../atomics.ts";
import { encode } from "../codec/encode.ts";
import "../../sync/mod.ts";
import "../../threading/thread.ts";
import type { Scope } from "../memory/memory.ts";
import { isAlive } from "../memory/participants.ts";
import { type Space, spaceOf } from "../memory/space.ts";
import { notify, register, sleep, unregister } from "../memory/wait_point.ts";
import { patientTurn, quickTurn } from "../runtime/runtime.ts";
import type { TargetDescriptor } from "../targets/describe.ts";
import { nameSlowModules, resolveTarget } from "../targets/resolve.ts";
import type { Callable } from "../targets/source.ts";
import { setTold } from "../work/ending.ts";
import { sendable } from "../work/record.ts";
import { AWAY, Board, DONE, ERRAND, LEAST, RESOLVING, STAFF, STARTED, WORK } from "./board.ts";
import { isTaskRunning, setState } from "./current_task.ts";
import { costOf, noteResolved, readFunction } from "./functions.ts";
import { Patience } from "./patience.ts";
import { Running } from "./running.ts";
import { Share, UNKNOWN } from "./shares.ts";
import { BEGUN, FUNCTION, READY_ASIDE, STATE, stateOf } from "./task.ts";

/** What a worker gets from its owner. */
export interface WorkerOptions {
  /** The memory in which the board is. */
  scope: Scope;
  /** The address of the board. */
  board: number;
  /** The address of this worker's desk. */
  desk: number;
  /** This worker's number. */
  worker: number;
  /** This worker's name, used in error messages. */
  name: string;
  initializer: TargetDescriptor | null;
  /** The worker returns after this number of tasks; 0: never. */
  maxTasks: number;
  /** The worker returns when it uses this number of bytes; 0: never. */
  maxMemory: number;
  /** The worker returns after this number of milliseconds without work; 0: never. */
  idle: number;
  /** The maximum number of tasks that run at the same time. */
  concurrency: number;
  /** When the pool began: milliseconds of the wall clock. */
  epoch: number;
}

/** The longest time for which a worker's event loop gets no turn: milliseconds. */
const TURN = 100;
/** The same for a worker that has had nothing to do for long, since each turn costs about a millisecond of processor time. */
const SLOWEST_TURN = 500;
/** In between, it is this part of the time for which the worker has had nothing to do. */
const PART = 1 / 4;
/** The same while tasks run beside one another. */
const TURN_BESIDE = 10;

/** Returned instead of a task: the worker must wait for something first. */
const PAUSE = -2;

let working = false;

/** Whether this thread is the worker of a pool. */
export function isPoolWorker(): boolean {
  return working;
}

/** The target of a pool's worker. */
export async function workForPool(options: WorkerOptions, ...initargs: unknown[]): Promise<void> {
  const space = spaceOf(options.scope);
  working = true;
  const board = new Board(space, options.board);
  // Code that a task left running may fail later, when no caller waits for that task any more.
  setTold(isTaskRunning);
  // All workers import the same modules, so only one of them names a slow one.
  nameSlowModules((module) => board.mayName(module));
  if (options.initializer !== null) {
    try {
      const initializer = await resolveTarget(options.initializer, options.name);
      setState(await initializer(...initargs));
    } catch (error) {
      board.fail(encodeError(options.scope, error));
      return;
    }
  }
  // Without a timer, a process would end when its event loop is empty, even while a task waits for something that does not
  // keep the event loop alive.
  const busy = setInterval(() => {}, 2 ** 30);
  await new PoolWorker(board, options).work();
  clearInterval(busy);
}

class PoolWorker {
  readonly #board: Board;
  readonly #space: Space;
  readonly #words: Int32Array;
  readonly #options: WorkerOptions;
  readonly #desk: number;
  readonly #worker: number;
  readonly #functions: Map<number, Callable> = new Map();
  readonly #share: Share;
  readonly #running: Running;
  readonly #patience: Patience = new Patience();
  /** When the event loop had its last turn. */
  #turned: number = now();
  /** Since when the worker has had nothing to do; 0: it has something to do. */
  #idleSince = 0;

  constructor(board: Board, options: WorkerOptions) {
    const { space } = board;
    this.#board = board;
    this.#space = space;
    this.#words = space.words;
    this.#options = options;
    this.#desk = options.desk;
    this.#worker = options.worker;
    this.#share = new Share(board, options.desk, options.worker, this.#functions, (fn) => costOf(space, fn));
    this.#running = new Running(board, this.#functions, options);
  }

  async work(): Promise<void> {
    store(this.#words, this.#desk + STARTED, 1);
    notify(this.#space, this.#board.at + DONE, 1);
    const running = this.#running;
    const { concurrency } = this.#options;
    for (;;) {
      let task = this.#next();
      if (task === 0) {
        if (running.beside > 0) {
          await this.#whileBeside();
          continue;
        }
        task = this.#sleep();
        if (task === PAUSE) {
          await this.#patientTurn();
          continue;
        }
      }
      this.#idleSince = 0;
      if (task === 0) break;
      if (task === PAUSE) {
        await this.#pause();
      } else if (task === UNKNOWN) {
        running.tell();
        await this.#resolve(this.#share.unknown);
      } else if (concurrency > 1) {
        running.runBeside(task);
        while (running.beside >= concurrency) await running.whenOver();
        // The tasks that run beside this one wait for timers and sockets.
        if (now() - this.#turned > TURN_BESIDE) await this.#turn();
      } else {
        const goesOn = running.run(task);
        if (goesOn === true) continue;
        if (goesOn === false || !await goesOn) break;
      }
    }
    while (running.beside > 0) await running.whenOver();
    await running.tellInTime();
  }

  // The next task, if there is one: from this worker's share, an errand, from a new share, or from another worker's share.
  #next(): number {
    const share = this.#share;
    const task = share.next();
    if (task !== 0) return task;
    const running = this.#running;
    if (running.untold === 0) return this.#take();
    const time = now();
    const ran = time - running.began;
    return running.mustFlush(ran) || time - this.#turned > TURN ? PAUSE : this.#tellAndTake(ran);
  }

  #tellAndTake(ran: number): number {
    const board = this.#board;
    // Before the report: the owner may answer it with another task at once, and then does not need to wake this worker.
    const searching = this.#running.beside === 0 && !board.hasNext() && this.#space.spins > 0 &&
      board.beginSearching(this.#worker);
    this.#running.tell(ran);
    let found = this.#take();
    if (!searching) return found;
    if (found === 0) this.#patience.wait(() => this.#hasWork() || board.closed);
    board.endSearching(this.#worker);
    // While this worker searched, the owner woke one worker less than the number of tasks, each time it posted. So this worker
    // looks once more, and wakes a worker for each task that it does not take.
    if (found === 0) found = this.#take();
    notify(this.#space, board.at + WORK, board.waiting);
    return found;
  }

  // Lets the output of the tasks go out before their outcomes are reported, and gives the event loop its turn.
  async #pause(): Promise<void> {
    await this.#running.tellInTime();
    if (now() - this.#turned > TURN) await this.#turn();
  }

  async #turn(): Promise<void> {
    await quickTurn();
    this.#turned = now();
  }

  async #patientTurn(): Promise<void> {
    await patientTurn();
    this.#turned = now();
  }

  #hasWork(): boolean {
    return this.#board.hasNext() || load(this.#words, this.#desk + ERRAND) !== 0;
  }

  #take(): number {
    if (this.#isThrough) return 0;
    const share = this.#share;
    const errand = this.#errand();
    if (errand !== 0) return errand;
    const { maxTasks } = this.#options;
    while (share.take(maxTasks === 0 ? Infinity : maxTasks - this.#running.tasks)) {
      const task = share.next();
      if (task !== 0) return task;
    }
    return share.steal();
  }

  // Whether this worker must not begin with another task.
  get #isThrough(): boolean {
    const { maxTasks } = this.#options;
    return this.#running.isLeaving || maxTasks !== 0 && this.#running.tasks >= maxTasks;
  }

  // Begins with the errand, the task for this worker only, if there is one and its function is known.
  #errand(): number {
    const words = this.#words;
    const task = load(words, this.#desk + ERRAND);
    if (task === 0) return 0;
    const fn = words[task + FUNCTION];
    if (!this.#functions.has(fn)) {
      this.#share.unknown = fn;
      return UNKNOWN;
    }
    // STATE before ERRAND: if this worker dies in between, the owner finds the task by its state.
    const begun = stateOf(BEGUN, this.#worker);
    const isBegun = compareExchange(words, task + STATE, READY_ASIDE, begun) === READY_ASIDE;
    compareExchange(words, this.#desk + ERRAND, task, 0);
    return isBegun ? task : 0;
  }

  async #resolve(address: number): Promise<void> {
    store(this.#words, this.#desk + RESOLVING, address);
    const began = now();
    let fn: Callable;
    try {
      fn = await resolveTarget(readFunction(this.#space, address), this.#options.name);
      noteResolved(this.#space, address, now() - began);
    } catch (error) {
      fn = () => {
        throw error;
      };
    }
    this.#functions.set(address, fn);
    store(this.#words, this.#desk + RESOLVING, 0);
  }

  // Sleeps until there is a task, and returns it; 0: there will be none; PAUSE: the event loop needs a turn, for timers and
  // sockets of the program. Not async, since awaiting a promise would delay a worker that was just woken.
  #sleep(): number {
    const board = this.#board;
    const space = this.#space;
    const { idle } = this.#options;
    const point = board.at + WORK;
    if (this.#idleSince === 0) this.#idleSince = now();
    const until = idle === 0 ? Infinity : this.#idleSince + idle;
    const rested = now() - this.#idleSince;
    const slice = Math.max(TURN, Math.min(SLOWEST_TURN, rested * PART));
    for (const turn = now() + slice;;) {
      if (this.#isThrough) return 0;
      // Register before the look: the owner notifies this worker of tasks that it posts after the look.
      const registered = register(space, point);
      let notified = false;
      try {
        const task = this.#take();
        if (task !== 0) return task;
        if (board.closed) return this.#take();
        const time = now();
        // A worker process outlives the thread that owns the pool. It must end by itself then.
        if (time >= until && this.#mayLeave() || !isAlive(space.memory, board.owner)) return 0;
        if (time >= turn) return PAUSE;
        notified = sleep(space, point, registered, Math.min(until > time ? until - time : slice, turn - time));
      } finally {
        if (!notified) unregister(space, point, registered);
      }
    }
  }

  // Takes this worker off STAFF if at least LEAST workers stay. Returns whether it did.
  #mayLeave(): boolean {
    const words = this.#words;
    const { at } = this.#board;
    for (;;) {
      const staff = load(words, at + STAFF);
      if (staff <= load(words, at + LEAST)) return false;
      if (compareExchange(words, at + STAFF, staff, staff - 1) !== staff) continue;
      store(words, this.#desk + AWAY, 1);
      return true;
    }
  }

  // While tasks await: waits for a new task or for the end of a running one, without blocking the thread.
  async #whileBeside(): Promise<void> {
    const board = this.#board;
    const over = new AbortController();
    this.#running.onOver(() => over.abort());
    await this.#space.async.wait<boolean>(board.at + WORK, {
      attempt: () => !this.#isThrough && this.#hasWork() || undefined,
      deadline: Infinity,
      expired: () => false,
      signal: over.signal,
    }).catch(() => {});
    await this.#pause();
  }
}

function encodeError(scope: Scope, error: unknown): Uint8Array {
  try {
    return encode(error, { root: "", scope });
  } catch (unsendable) {
    return encode(sendable(error, unsendable, scope), { root: "", scope });
  }
}
