/**
 * What the models of the pool share: workers of the library, and an owner that does what the dispatcher and its parts do.
 *
 * @module
 */

import { add, load, store } from "../../_internal/atomics.ts";
import { encode } from "../../_internal/codec/encode.ts";
import { BLOCK_HEADER } from "../../_internal/memory/allocator.ts";
import { HEAP_AT, TOP_AT } from "../../_internal/memory/memory.ts";
import { isAlive } from "../../_internal/memory/participants.ts";
import { type Space, spaceOf } from "../../_internal/memory/space.ts";
import {
  ALL_SLEEPERS,
  block,
  notify,
  register,
  sleep,
  SLICE_MS,
  unregister,
} from "../../_internal/memory/wait_point.ts";
import { AWAY, Board, CURSOR, DONE, END, ERRAND, FROM, PENDING, STAFF, TO, WORK } from "../../_internal/pool/board.ts";
import { Finished } from "../../_internal/pool/finished.ts";
import { AnyJob, type Source } from "../../_internal/pool/job.ts";
import { Share } from "../../_internal/pool/shares.ts";
import {
  dropUnfinished,
  finish,
  FREE,
  isFailure,
  leave,
  LEFT,
  NEXT,
  OVER,
  type Packed,
  phaseOf,
  putNumberOutcome,
  READY,
  STATE,
  takeBack,
  takeInput,
  takeOutcome,
  workerOf,
} from "../../_internal/pool/task.ts";
import { Trays } from "../../_internal/pool/trays.ts";
import { workForPool } from "../../_internal/pool/worker.ts";
import { type Actor, type Model, type Patch, times } from "./model.ts";

const WORKER = "_internal/pool/worker.ts";
const FUNCTIONS = "_internal/pool/functions.ts";
const BOARD_FILE = "_internal/pool/board.ts";
const TASK_FILE = "_internal/pool/task.ts";
const TRAYS = "_internal/pool/trays.ts";
const PATIENCE = "_internal/pool/patience.ts";

/**
 * The workers are the library's, and run the function that the model gives them; the code that starts threads and finds
 * modules is left out. Their sleeps are as long as the slices of others, so that time does not hide a lost wake-up. A worker
 * that looks for tasks without sleeping does so once, at any moment: looking more often would only see the same later.
 */
const WORKERS: readonly Patch[] = [
  { file: WORKER, find: 'import "../../sync/mod.ts";\nimport "../../threading/thread.ts";\n', replace: "" },
  { file: WORKER, find: '} from "../targets/resolve.ts";', replace: '} from "../../tests/model/_pool_parts.ts";' },
  { file: WORKER, find: "const TURN = 100;", replace: "const TURN = 200;" },
  {
    file: FUNCTIONS,
    find: 'import { isOwnFrame } from "../runtime/own_files.ts";',
    replace: "const isOwnFrame = (): boolean => false;",
  },
  {
    file: FUNCTIONS,
    find: "import { describeTarget, type TargetDescriptor }",
    replace: "import type { TargetDescriptor }",
  },
  { file: PATIENCE, find: /const LEAST = [\d.]+;/, replace: "const LEAST = 0;" },
  { file: PATIENCE, find: /const MOST = [\d.]+;/, replace: "const MOST = 0;" },
  { file: PATIENCE, find: /const LOOKS = \d+;/, replace: "const LOOKS = 1;" },
];

/** The same with a ring of four trays and `2 ** bits` tasks in each. */
export const small = (bits: number): readonly Patch[] => [
  ...WORKERS,
  { file: BOARD_FILE, find: /RING_TRAYS = \d+;/, replace: "RING_TRAYS = 4;" },
  { file: TASK_FILE, find: /TRAY_TASKS = \d+;/, replace: `TRAY_TASKS = ${2 ** bits};` },
  { file: BOARD_FILE, find: /TRAY_BITS = \d+;/, replace: `TRAY_BITS = ${bits};` },
  { file: TRAYS, find: /FIRST_TRAYS = \d+;/, replace: "FIRST_TRAYS = 1;" },
];

/** Words that nothing else uses. They hold the addresses of the board, of the function and of the words below. */
const BOARD = 101;
const FUNCTION = 102;
const MEETING = 103;
/** A wait point, the number of tasks that wait for each other, and for each worker whether it has returned. */
const COUNT = 2;
const ENDED = 3;

/** Inputs are below this number, outcomes are not. */
const OUTCOMES = 10;

/** A board with a desk for each worker, and no posted task. */
export const setup = (workers: number) => (): Record<string, object> => {
  const space = spaceOf("thread");
  const { words } = space;
  const board = Board.create(space, workers, 1);
  for (let i = 0; i < workers; i++) board.setDesk(i, board.createDesk());
  store(words, board.at + STAFF, workers);
  store(words, BOARD, board.at);
  store(words, FUNCTION, space.writeBlock(new TextEncoder().encode("{}"), "describe a function", 2));
  store(words, MEETING, space.allocate(ENDED + workers, "meet"));
  return {};
};

/** The same, with tasks that were posted by a thread that does nothing more. */
export const setupPosted = (workers: number, inputs: readonly number[]) => (): Record<string, object> => {
  const objects = setup(workers)();
  const board = boardOf();
  const trays = new Trays(board);
  const job = new Inputs(load(board.words, FUNCTION), 0, false);
  for (const input of inputs) {
    trays.canPut();
    trays.put(job, input, input, 0);
  }
  trays.publish();
  return objects;
};

/** The same, after a worker has had a share and all posted tasks are done. */
export const setupShared = (
  workers: number,
  { desk = 0, from, to, end }: { desk?: number; from: number; to: number; end: number },
) =>
(): Record<string, object> => {
  const objects = setup(workers)();
  const board = boardOf();
  const { words, at } = board;
  store(words, board.deskAt(desk) + FROM, from);
  store(words, board.deskAt(desk) + TO, to);
  store(words, at + END, end);
  store(words, at + CURSOR, end);
  return objects;
};

export function boardOf(): Board {
  const space = spaceOf("thread");
  return new Board(space, load(space.words, BOARD));
}

// Stands in for the module with which a worker finds its functions.

let target: unknown;

export const resolveTarget = (): Promise<unknown> => Promise.resolve(target);
export const nameSlowModules = (): void => {};

/** What else a worker does. */
interface Work {
  /** It leaves when there is nothing to do, if it is allowed to. */
  idle?: boolean;
  /** It records that it has returned. */
  says?: boolean;
  /** It looks for tasks without sleeping, if no other does. */
  searches?: boolean;
  /** Its tasks with this input and higher inputs wait for each other: two of them have to run at the same time. */
  meets?: number;
  /** The outcome of a task: a number, a message within its words, or a message in a block. */
  outcome?: "number" | "short" | "long";
  /** From this input on the outcome is never a number. */
  others?: number;
  /** It notes which blocks it is about to give back. */
  frees?: boolean;
  /** Other threads may run, and this worker may die, while it is in a task. */
  steps?: boolean;
}

/** A worker of the library, until it returns. */
export async function work(
  actor: Actor,
  {
    idle = false,
    says = idle,
    searches = false,
    meets = Infinity,
    outcome = "number",
    others = Infinity,
    steps = false,
    frees = false,
  }: Work = {},
): Promise<void> {
  const space = spaceOf("thread");
  (space as { spins: number }).spins = searches ? 1 : 0;
  const { free } = space;
  space.free = (at: number): void => {
    if (frees) actor.note("freed", at);
    free.call(space, at);
  };
  const board = boardOf();
  // The worker calls it by this name, so the explorer knows that the call can be stopped.
  const fn = (given: number | string): unknown => {
    const input = Number(String(given)[0]);
    beginWith(actor, input);
    if (input >= meets) meet(space);
    if (steps) actor.step();
    if (input >= others) return String(input);
    return outcome === "number" ? outcomeOf(input) : outcome === "short" ? String(input) : longOf(input);
  };
  target = fn;
  await workForPool({
    scope: "thread",
    board: board.at,
    desk: board.deskAt(actor.index),
    worker: space.id,
    name: "worker",
    initializer: null,
    maxTasks: 0,
    maxMemory: 0,
    // A worker that is idle has been idle for long enough.
    idle: idle ? -1 : 0,
    concurrency: 1,
    epoch: performance.timeOrigin,
  });
  if (!says) return;
  // Its thread ends, and the owner is notified.
  const { words } = space;
  store(words, load(words, MEETING) + ENDED + actor.index, 1);
  notify(space, board.at + DONE, 1);
}

/** What must hold when a worker has begun a task. */
function beginWith(actor: Actor, input: number): void {
  actor.assert(input < OUTCOMES, `an outcome, ${input}, was taken for an input`);
  actor.assert(howOften(actor, "put", input) === howOften(actor, "published", input), `${input} was begun unpublished`);
  actor.assert(howOften(actor, "begun", input) === 0, `${input} was begun twice`);
  actor.note("begun", input);
}

/** How often the value was noted. */
function howOften(actor: Actor, name: string, value: number): number {
  return actor.notes(name).filter((each) => each === value).length;
}

export function outcomeOf(input: number): number {
  return OUTCOMES + input;
}

/** A message that does not fit into the words of a task. */
function longOf(input: number): string {
  return String(input).repeat(40);
}

/** Returns once two tasks are here. */
function meet(space: Space): void {
  const { words } = space;
  const point = load(words, MEETING);
  add(words, point + COUNT, 1);
  notify(space, point, ALL_SLEEPERS);
  block(space, point, () => load(words, point + COUNT) === 2 ? true : undefined, Infinity);
}

/** A simpler worker, for models that are too large with the library's. It does the same in fewer steps. */
export class Hand {
  readonly actor: Actor;
  readonly board: Board;
  readonly share: Share;
  readonly finished: Finished;

  constructor(actor: Actor) {
    this.actor = actor;
    const board = this.board = boardOf();
    const { words, id } = board.space;
    const known = new Map([[load(words, FUNCTION), true]]);
    this.share = new Share(board, board.deskAt(actor.index), id, known, () => 0);
    this.finished = new Finished(board);
  }

  /** Begins a task of its share, or of a new share. 0: there is no task. */
  take(): number {
    const { share } = this;
    let task = share.next();
    while (task === 0 && share.take(Infinity)) task = share.next();
    return task;
  }

  /** Runs a task. `false`: the task was taken from this worker. */
  run(task: number): boolean {
    const { actor, board, finished } = this;
    const { space } = board;
    const input = takeInput(space, task, 0) as number;
    beginWith(actor, input);
    putNumberOutcome(space.words, task, outcomeOf(input));
    const isOver = finish(space, task, space.id);
    if (isOver) finished.add(task, 1);
    return isOver;
  }

  /** Sleeps until there is a task, and returns it. 0: there will be no more. */
  sleep(): number {
    const { board } = this;
    const { space } = board;
    const point = board.at + WORK;
    for (;;) {
      const registered = register(space, point);
      let notified = false;
      try {
        const task = this.take();
        if (task !== 0) return task;
        if (board.closed) return this.take();
        notified = sleep(space, point, registered, SLICE_MS);
      } finally {
        if (!notified) unregister(space, point, registered);
      }
    }
  }

  /** Runs tasks until the board is closed, and reports each. */
  work(): void {
    for (;;) {
      const task = this.take() || this.sleep();
      if (task === 0) return;
      this.run(task);
      this.finished.tell(0, 0);
    }
  }
}

/** A job whose tasks have their indexes as inputs, or long forms of these. The owner notes what becomes of them. */
export class Inputs extends AnyJob {
  readonly source = undefined as unknown as Source;

  readonly #isLong: boolean;

  constructor(fn: number, together: number, isLong: boolean) {
    super(fn, "fn", false, { together, killAfter: undefined, priority: 0, retries: 0 });
    this.#isLong = isLong;
  }

  protected override packedOf(index: number): Packed {
    return this.#isLong ? encode(longOf(index), { root: "", scope: "thread" }) : index;
  }

  protected override forget(): void {}

  done = (): boolean => false;
  failed = (): boolean => false;
  lost = (): boolean => false;
  again = (): boolean => false;
  wants = (): boolean => true;
  abort = (): void => {};
}

/** An owner: it does what dispatcher.ts, posted.ts, losses.ts and errands.ts do, in the same order. */
export class Owner {
  readonly actor: Actor;
  readonly space: Space;
  readonly words: Int32Array;
  readonly board: Board;
  readonly trays: Trays;
  readonly fn: number;
  readonly #meeting: number;
  readonly #desks: number[] = [];
  /** Workers that may end before the board is closed. */
  readonly #mortal: Set<number>;

  constructor(actor: Actor, mortal: readonly number[] = []) {
    this.actor = actor;
    this.#mortal = new Set(mortal);
    this.board = boardOf();
    this.space = this.board.space;
    this.words = this.space.words;
    this.trays = new Trays(this.board);
    this.fn = this.words[FUNCTION];
    this.#meeting = this.words[MEETING];
    for (let index = 0; index < this.board.desks; index++) this.#desks.push(this.board.deskAt(index));
  }

  /** Posts tasks. A worker takes so many of them together; 0: one. Long inputs have blocks. */
  post(inputs: readonly number[], together = 0, isLong = false): void {
    this.put(inputs, together, isLong);
    this.publish(inputs);
  }

  put(inputs: readonly number[], together: number, isLong: boolean): void {
    const { actor, trays } = this;
    const job = new Inputs(this.fn, together, isLong);
    for (const input of inputs) {
      actor.assert(trays.canPut(), "no tray is free");
      trays.put(job, input, job.inputOf(input), 0);
      actor.note("put", input);
    }
  }

  publish(inputs: readonly number[]): void {
    const { actor, trays, board } = this;
    // A task that is not published may be half written.
    actor.step();
    for (const input of inputs) actor.note("published", input);
    trays.publish();
    board.wake(inputs.length);
  }

  /** Gives a task to one worker alone. */
  send(input: number, index: number): void {
    const { actor, board, space, trays, words } = this;
    const [number] = trays.putAside(new Inputs(this.fn, 0, false), 1);
    actor.step();
    for (const name of ["put", "published"]) actor.note(name, input);
    store(words, this.#desks[index] + ERRAND, trays.taskOf(number));
    notify(space, board.at + WORK, ALL_SLEEPERS);
  }

  /** Takes in the tasks that were reported. */
  collect(): void {
    const { actor, trays, board, words } = this;
    let task = board.takeFinished();
    const tasks: number[] = [];
    for (; task !== 0; task = words[task + NEXT]) {
      actor.assert(tasks.length < 8, "the stack has no end");
      tasks.push(task);
    }
    for (let i = tasks.length - 1; i >= 0; i--) {
      const number = trays.numberOf(tasks[i]);
      if (trays.jobs[number] !== undefined) this.deliver(number);
      this.back(number);
    }
  }

  /** Takes the outcome of a task. */
  deliver(number: number): void {
    const { actor, trays, space, words } = this;
    const task = trays.taskOf(number);
    const input = trays.indexes[number];
    actor.assert(phaseOf(words[task + STATE]) === OVER, `${input} was reported and is not over`);
    trays.settle(number);
    actor.assert(!isFailure(words, task), `${input} has failed`);
    const outcome = takeOutcome(space, task);
    const possible = [outcomeOf(input), String(input), longOf(input)];
    actor.assert(possible.includes(outcome as string), `${input} became ${outcome}`);
    actor.note("told", input);
  }

  /** No worker writes to the task from here on. */
  back(number: number): void {
    const { actor, trays, words } = this;
    actor.assert(words[trays.taskOf(number) + STATE] !== FREE, `${trays.indexes[number]} is back twice`);
    trays.back(number);
  }

  /** Takes a task back if no worker has begun it. */
  takeBack(number: number): boolean {
    const { trays, space } = this;
    if (trays.jobs[number] === undefined || !takeBack(space, trays.taskOf(number))) return false;
    trays.settle(number);
    trays.back(number);
    return true;
  }

  /** The task has no outcome. */
  lose(number: number): void {
    const { actor, trays } = this;
    if (trays.jobs[number] === undefined) return;
    trays.settle(number);
    actor.note("lost", trays.indexes[number]);
  }

  /** Waits until so many tasks are reported or lost, and handles workers that end meanwhile. */
  waitFor(count: number): void {
    const { actor, space, board } = this;
    block(space, board.at + DONE, () => {
      this.collect();
      for (const index of this.#mortal) if (this.hasEnded(index)) this.deal(index);
      return actor.notes("told").length + actor.notes("lost").length >= count ? true : undefined;
    }, Infinity);
  }

  /** Waits until so many tasks are reported or the worker has ended. Returns whether it has ended. */
  waitOrEnd(count: number, index: number): boolean {
    const { actor, space, board } = this;
    return block(space, board.at + DONE, () => {
      this.collect();
      if (actor.notes("told").length === count) return false;
      return this.hasEnded(index) ? true : undefined;
    }, Infinity)!;
  }

  /** The number of the worker with that thread. */
  idOf(index: number): number {
    return this.space.id - (this.actor.index - index);
  }

  hasEnded(index: number): boolean {
    const { space, words } = this;
    return words[this.#meeting + ENDED + index] !== 0 || !isAlive(space.memory, this.idOf(index));
  }

  /** No worker takes from this desk any more. */
  vacate(index: number): void {
    const { board, words } = this;
    board.setDesk(index, 0);
    if (load(words, this.#desks[index] + AWAY) === 0) add(words, board.at + STAFF, -1);
  }

  /** The numbers of the tasks that a worker has, or has finished and not reported. */
  tasksOf(id: number): number[] {
    const { trays, words } = this;
    const found: number[] = [];
    for (let number = 0; number < trays.jobs.length; number++) {
      const task = trays.taskOf(number);
      if (words[task + STATE] === FREE) continue;
      const state = load(words, task + STATE);
      if (phaseOf(state) !== READY && phaseOf(state) !== FREE && workerOf(state) === id) found.push(number);
    }
    return found;
  }

  /** A worker has ended. Tasks that it had not begun are posted again. */
  deal(index: number): void {
    const { actor, board, trays, space, words } = this;
    const id = this.idOf(index);
    const desk = this.#desks[index];
    this.#mortal.delete(index);
    this.vacate(index);
    board.endSearching(id);
    this.collect();
    const freed = new Set<number>();
    for (const number of this.tasksOf(id)) {
      const task = trays.taskOf(number);
      if (phaseOf(load(words, task + STATE)) === OVER) {
        if (trays.jobs[number] !== undefined) this.deliver(number);
      } else {
        freed.add(dropUnfinished(space, task));
        this.lose(number);
      }
      this.back(number);
    }
    const again = this.takeBackAll(trays.ready(desk));
    const errand = load(words, desk + ERRAND);
    store(words, desk + ERRAND, 0);
    if (errand !== 0 && this.takeBack(trays.numberOf(errand))) {
      actor.note("back", trays.indexes[trays.numberOf(errand)]);
    }
    const pending = load(words, desk + PENDING);
    store(words, desk + PENDING, 0);
    if (pending !== 0 && !freed.has(pending)) space.free(pending);
    if (trays.out > 0) board.wake(trays.out);
    if (again.length > 0) this.post(again);
  }

  /** Gives up a worker, which may run on. Tasks that it had not begun come back. */
  giveUp(index: number): void {
    const { actor, board, trays, space, words } = this;
    const id = this.idOf(index);
    actor.note("given up", index);
    this.vacate(index);
    board.endSearching(id);
    this.collect();
    for (const number of this.tasksOf(id)) {
      const phase = phaseOf(load(words, trays.taskOf(number) + STATE));
      if (phase !== LEFT && phase !== OVER && !leave(space, trays.taskOf(number), id)) continue;
      if (phase !== OVER) this.lose(number);
    }
    this.readUntold();
    for (const input of this.takeBackAll(trays.ready(this.#desks[index]))) actor.note("back", input);
  }

  /** Takes back all tasks that no worker has begun, and checks that all tasks are back. */
  clear(): void {
    const { actor, trays, words } = this;
    for (let number = 0; number < trays.jobs.length; number++) {
      if (this.takeBack(number)) actor.note("back", trays.indexes[number]);
      actor.assert(words[trays.taskOf(number) + STATE] === FREE, `${trays.indexes[number]} is not back`);
    }
    actor.assert(trays.out === 0, "not all tasks are settled");
  }

  /** Checks that each block that is given back was given out, and clears it. */
  watchBlocks(): void {
    const { actor, board, space, words } = this;
    const { free } = space;
    space.free = (at: number): void => {
      const size = words[at - BLOCK_HEADER];
      actor.assert((size & 1) === 0, "a block was given back twice");
      // Blocks of outcomes belong to the owner of the board, blocks of inputs to this thread.
      actor.assert(
        [board.owner, space.id].includes(words[at - BLOCK_HEADER + 1]),
        "the address that was given back is not a block",
      );
      words.fill(0, at, at + size - BLOCK_HEADER);
      free.call(space, at);
    };
  }

  /** The blocks that belong to this thread. */
  blocks(): number[] {
    const { space, words } = this;
    const blocks: number[] = [];
    for (let at = HEAP_AT, size; at < words[TOP_AT]; at += size) {
      size = words[at] & ~1;
      if (size === words[at] && words[at + 1] === space.id) blocks.push(at + BLOCK_HEADER);
    }
    return blocks;
  }

  /** Takes outcomes that workers have not reported yet. */
  readUntold(): void {
    const { trays, words } = this;
    for (let number = 0; number < trays.jobs.length; number++) {
      if (trays.jobs[number] === undefined) continue;
      if (phaseOf(load(words, trays.taskOf(number) + STATE)) === OVER) this.deliver(number);
    }
  }

  /** The last worker has ended: this thread does the rest itself. */
  takeOver(index: number): void {
    this.deal(index);
    const hand = new Hand(this.actor);
    for (let task = hand.take(); task !== 0; task = hand.take()) hand.run(task);
    hand.finished.tell(0, 0);
    this.collect();
  }

  /** Inputs of the tasks that could be taken back. */
  takeBackAll(numbers: readonly number[]): number[] {
    const inputs: number[] = [];
    for (const number of numbers) if (this.takeBack(number)) inputs.push(this.trays.indexes[number]);
    return inputs;
  }
}

/** Each task was reported once, or came back and was not begun. Each worker that died or was given up may have lost one. */
export const accountFor = (...inputs: number[]) => (actor: Actor): void => {
  for (const input of inputs) {
    const [told, lost, back] = ["told", "lost", "back"].map((name) => howOften(actor, name, input));
    actor.assert(
      told + lost + back === 1,
      `${input} was reported ${told} times, lost ${lost} times, back ${back} times`,
    );
    actor.assert(back === 0 || howOften(actor, "begun", input) === 0, `${input} came back and was begun`);
  }
  const lost = actor.notes("lost").length;
  const dead = actor.deaths + actor.notes("given up").length;
  actor.assert(lost <= dead, `${lost} tasks were lost with ${dead} workers`);
};

/** Workers, and an owner. */
export const pool = (
  workers: number,
  options: Work,
  owner: (actor: Actor) => void,
): Model<Record<string, object>>["threads"] => [
  ...times(workers, (actor) => work(actor, options)),
  owner,
];
