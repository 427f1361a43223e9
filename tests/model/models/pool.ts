import { add, load, store } from "../../../_internal/atomics.ts";
import { isAlive } from "../../../_internal/memory/participants.ts";
import { type Space, spaceOf } from "../../../_internal/memory/space.ts";
import { block, EVERYBODY, notify } from "../../../_internal/memory/wait_point.ts";
import { Board, DONE, PENDING, STAFF, WORK } from "../../../_internal/pool/board.ts";
import type { Job } from "../../../_internal/pool/job.ts";
import { Finished } from "../../../_internal/pool/finished.ts";
import { Share } from "../../../_internal/pool/shares.ts";
import {
  dropUnfinished,
  finish,
  FREE,
  isFailure,
  leave,
  LEFT,
  NEXT,
  OVER,
  phaseOf,
  putNumberOutcome,
  READY,
  STATE,
  takeBack,
  takeInput,
  takeOutcome,
  tell,
  workerOf,
} from "../../../_internal/pool/task.ts";
import { Trays } from "../../../_internal/pool/trays.ts";
import { workForPool } from "../../../_internal/pool/worker.ts";
import { type Actor, type Model, model, type Patch, times } from "../model.ts";

const WORKER = "_internal/pool/worker.ts";
const FUNCTIONS = "_internal/pool/functions.ts";
const BOARD_FILE = "_internal/pool/board.ts";
const PATIENCE = "_internal/pool/patience.ts";

/**
 * Workers run as they are, but for what starts threads and finds modules: their task is the function that the model gives them.
 * Their sleeps end after a slice where a thread has died and not else, and who looks for tasks does so once: to look more often
 * is a way to find the same later.
 */
const WORKERS: readonly Patch[] = [
  { file: WORKER, find: 'import "../../sync/mod.ts";\nimport "../../threading/thread.ts";\n', replace: "" },
  { file: WORKER, find: '} from "../targets/resolve.ts";', replace: '} from "../../tests/model/models/pool.ts";' },
  { file: WORKER, find: "const TURN = 100;", replace: "const TURN = 200;" },
  { file: FUNCTIONS, find: 'import { ownModule } from "../runtime/modules.ts";', replace: "" },
  {
    file: FUNCTIONS,
    find: "import { describeTarget, type TargetDescriptor }",
    replace: "import type { TargetDescriptor }",
  },
  { file: FUNCTIONS, find: 'ownModule("./", import.meta.url).pathname', replace: '""' },
  { file: PATIENCE, find: /const LEAST = [\d.]+;/, replace: "const LEAST = 0;" },
  { file: PATIENCE, find: /const MOST = [\d.]+;/, replace: "const MOST = 0;" },
  { file: PATIENCE, find: /const LOOKS = \d+;/, replace: "const LOOKS = 1;" },
];

/** A ring of four trays, with 2 to so many tasks in each. */
const small = (bits: number): readonly Patch[] => [
  ...WORKERS,
  { file: BOARD_FILE, find: /RING_TRAYS = \d+;/, replace: "RING_TRAYS = 4;" },
  { file: BOARD_FILE, find: /TRAY_TASKS = \d+;/, replace: `TRAY_TASKS = ${2 ** bits};` },
  { file: BOARD_FILE, find: /TRAY_BITS = \d+;/, replace: `TRAY_BITS = ${bits};` },
  { file: "_internal/pool/trays.ts", find: /FIRST_TRAYS = \d+;/, replace: "FIRST_TRAYS = 1;" },
  {
    file: "_internal/pool/trays.ts",
    find: "if (distance(from, this.#end) >",
    replace: "if (count > 16 || distance(from, this.#end) >",
  },
];

/** Words that nothing else uses: where the board is, the function, and the place where tasks meet. */
const BOARD = 101;
const FUNCTION = 102;
const MEETING = 103;
/** There: a wait point, how many are here, and which workers have returned. */
const COUNT = 2;
const ENDED = 3;

/** In place of a task: the board is closed. */
const CLOSED = -9;

/** A board with a desk for each worker, where nothing is posted. */
const setup = (workers: number, least = 1) => (): Record<string, object> => {
  const space = spaceOf("thread");
  const { words } = space;
  const board = Board.create(space, workers, least);
  for (let i = 0; i < workers; i++) board.setDesk(i, board.createDesk());
  store(words, board.at + STAFF, workers);
  store(words, BOARD, board.at);
  store(words, FUNCTION, space.writeBlock(new TextEncoder().encode("{}"), "describe a function", 1));
  store(words, MEETING, space.allocate(ENDED + workers, "meet"));
  return {};
};

function boardOf(): Board {
  const space = spaceOf("thread");
  return new Board(space, load(space.words, BOARD));
}

// What a worker needs of the modules that find its functions.

let target: unknown;

export const resolveTarget = (): Promise<unknown> => Promise.resolve(target);
export const nameSlowModules = (): void => {};

interface Work {
  /** Leaves when there is nothing to do. */
  idle?: boolean;
  /** Looks for tasks without sleeping, where no other does. */
  searches?: boolean;
  /** Two tasks have to run at the same time, as each waits for the other: those with this input and higher ones. */
  meets?: number;
  /** Bytes of an outcome; 0: it is a number. */
  long?: number;
}

/** Is a worker, until the board is closed or, where it may, it leaves. */
async function work(
  actor: Actor,
  { idle = false, searches = false, meets = Infinity, long = 0 }: Work = {},
): Promise<void> {
  const space = spaceOf("thread");
  (space as { spins: number }).spins = searches ? 1 : 0;
  const board = boardOf();
  // By that name the explorer knows that a call of it can be stopped.
  const fn = (input: number): unknown => {
    beginWith(actor, input);
    if (input >= meets) meet(space);
    return long === 0 ? outcomeOf(input) : "x".repeat(long);
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
    // It has been idle for long enough as soon as it is idle.
    idle: idle ? -1 : 0,
    concurrency: 1,
    epoch: performance.timeOrigin,
  });
  if (!idle) return;
  // Its thread has ended, which the owner hears of.
  const { words } = space;
  store(words, load(words, MEETING) + ENDED + actor.index, 1);
  notify(space, board.at + DONE, 1);
}

function beginWith(actor: Actor, input: number): void {
  actor.assert(actor.notes("published").includes(input), `${input} was begun before it was published`);
  actor.assert(!actor.notes("begun").includes(input), `${input} was begun twice`);
  actor.note("begun", input);
}

function outcomeOf(input: number): number {
  return 10 * input;
}

/** Returns once two threads are here. */
function meet(space: Space): void {
  const { words } = space;
  const point = load(words, MEETING);
  add(words, point + COUNT, 1);
  notify(space, point, EVERYBODY);
  block(space, point, () => load(words, point + COUNT) === 2 ? true : undefined, Infinity);
}

/** A worker with less around it, for models that would else be too large. */
class Hand {
  readonly actor: Actor;
  readonly board: Board;
  readonly share: Share;
  readonly finished: Finished;
  readonly #meets: number;

  constructor(actor: Actor, meets = Infinity) {
    this.actor = actor;
    this.#meets = meets;
    const board = this.board = boardOf();
    const { words, id } = board.space;
    const known = new Map([[load(words, FUNCTION), true]]);
    this.share = new Share(board, board.deskAt(actor.index), id, known, () => 0);
    this.finished = new Finished(board);
  }

  /** Begins with a task of its share, or of a new one; 0: there is none. */
  take(): number {
    const { share } = this;
    let task = share.next();
    while (task === 0 && share.take(Infinity)) task = share.next();
    return task;
  }

  /** Runs a task. `false`: it was taken from this worker. */
  run(task: number): boolean {
    const { actor, board, finished } = this;
    const { space } = board;
    const input = takeInput(space, task) as number;
    beginWith(actor, input);
    if (input >= this.#meets) meet(space);
    putNumberOutcome(space.words, task, outcomeOf(input));
    const isOver = finish(space, task, space.id);
    if (isOver) finished.add(task);
    return isOver;
  }

  /** Sleeps until there is a task, and returns it; 0: there will be none. */
  sleep(): number {
    const { board } = this;
    const task = block(
      board.space,
      board.at + WORK,
      () => this.take() || (board.closed ? CLOSED : undefined),
      Infinity,
    )!;
    return task === CLOSED ? this.take() : task;
  }

  /** Runs what there is until the board is closed, and tells of each task. */
  work(): void {
    for (;;) {
      const task = this.take() || this.sleep();
      if (task === 0) return;
      this.run(task);
      this.finished.tell(0, 0);
    }
  }
}

/** The owner, which does what dispatcher.ts, posted.ts and losses.ts do. */
class Owner {
  readonly actor: Actor;
  readonly space: Space;
  readonly words: Int32Array;
  readonly board: Board;
  readonly trays: Trays;
  /** Workers that may end before the board is closed. */
  readonly #mortal: Set<number>;

  constructor(actor: Actor, mortal: readonly number[] = []) {
    this.actor = actor;
    this.#mortal = new Set(mortal);
    this.board = boardOf();
    this.space = this.board.space;
    this.words = this.space.words;
    this.trays = new Trays(this.board);
  }

  /** `together`: so many of them are a share; 0: each is. */
  post(inputs: readonly number[], together = 0): void {
    this.put(inputs, together);
    this.publish(inputs);
  }

  put(inputs: readonly number[], together: number): void {
    const { actor, trays } = this;
    const fn = load(this.words, FUNCTION);
    const job = {
      fn,
      spread: false,
      together,
      since: 0,
      attemptOf: () => 1,
      hasBuffers: () => false,
    } as unknown as Job;
    for (const input of inputs) {
      actor.assert(trays.canPut(), "there is no tray");
      trays.put(job, input, input, 0);
    }
  }

  publish(inputs: readonly number[]): void {
    const { actor, trays, board } = this;
    actor.step();
    for (const input of inputs) actor.note("published", input);
    trays.publish();
    board.wake(inputs.length);
  }

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

  deliver(number: number): void {
    const { actor, trays, space, words } = this;
    const task = trays.taskOf(number);
    const input = trays.indexes[number];
    actor.assert(phaseOf(words[task + STATE]) === OVER, `${input} was told and is not over`);
    trays.settle(number);
    actor.assert(!isFailure(words, task), `${input} has failed`);
    const outcome = takeOutcome(space, task);
    actor.assert(typeof outcome === "string" || outcome === outcomeOf(input), `${input} became ${outcome}`);
    actor.note("told", input);
  }

  back(number: number): void {
    const { actor, trays, words } = this;
    actor.assert(words[trays.taskOf(number) + STATE] !== FREE, `${trays.indexes[number]} is back twice`);
    trays.back(number);
  }

  /** Takes a task back, if no worker has begun with it. */
  takeBack(number: number): boolean {
    const { trays, space } = this;
    if (trays.jobs[number] === undefined || !takeBack(space, trays.taskOf(number))) return false;
    trays.settle(number);
    trays.back(number);
    return true;
  }

  lose(number: number): void {
    const { actor, trays } = this;
    if (trays.jobs[number] === undefined) return;
    trays.settle(number);
    actor.note("lost", trays.indexes[number]);
  }

  /** Collects until so many tasks are told, or lost. */
  waitFor(count: number): void {
    const { actor, space, board } = this;
    block(space, board.at + DONE, () => {
      this.collect();
      for (const index of this.#mortal) if (this.hasEnded(index)) this.deal(index);
      return actor.notes("told").length + actor.notes("lost").length >= count ? true : undefined;
    }, Infinity);
  }

  /** A worker's number: it is its thread's. */
  idOf(index: number): number {
    return this.space.id - (this.actor.index - index);
  }

  hasEnded(index: number): boolean {
    const { space, words } = this;
    return !isAlive(space.memory, this.idOf(index)) || load(words, load(words, MEETING) + ENDED + index) !== 0;
  }

  /** The numbers of the tasks that a worker has, or has finished without having told. */
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

  /** A worker has ended. What it had not begun with is posted again. */
  deal(index: number): void {
    const { board, trays, space, words } = this;
    const id = this.idOf(index);
    const desk = board.deskAt(index);
    this.#mortal.delete(index);
    board.setDesk(index, 0);
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
    const pending = load(words, desk + PENDING);
    store(words, desk + PENDING, 0);
    if (pending !== 0 && !freed.has(pending)) space.free(pending);
    if (trays.out > 0) board.wake(trays.out);
    if (again.length > 0) this.post(again);
  }

  /** Inputs of the tasks that could be taken back. */
  takeBackAll(numbers: readonly number[]): number[] {
    const inputs: number[] = [];
    for (const number of numbers) if (this.takeBack(number)) inputs.push(this.trays.indexes[number]);
    return inputs;
  }
}

/** Each task was told once, or came back and was not begun. Of each worker that died one may be lost. */
const accountFor = (...inputs: number[]) => (actor: Actor): void => {
  const times = (name: string, input: number): number => actor.notes(name).filter((each) => each === input).length;
  for (const input of inputs) {
    const [told, lost, back] = ["told", "lost", "back"].map((name) => times(name, input));
    actor.assert(told + lost + back === 1, `${input} was told ${told} times, lost ${lost} times, back ${back} times`);
    actor.assert(back === 0 || times("begun", input) === 0, `${input} came back and was begun`);
  }
  const lost = actor.notes("lost").length;
  actor.assert(lost <= actor.deaths, `${lost} tasks were lost with ${actor.deaths} workers`);
};

/** Workers, and an owner. */
const pool = (
  workers: number,
  options: Work,
  owner: (actor: Actor) => void,
): Model<Record<string, object>>["threads"] => [
  ...times(workers, (actor) => work(actor, options)),
  owner,
];

/** What a pool's board promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Pool: each task is begun by one worker, and told once",
    setup: setup(2),
    scale: small(2),
    threads: pool(2, {}, (actor) => {
      const owner = new Owner(actor);
      owner.post([1, 2], 2);
      owner.post([3]);
      owner.waitFor(3);
      owner.board.close();
    }),
    end: accountFor(1, 2, 3),
  }),
  model({
    name: "Pool: no worker sleeps beside a task that was posted",
    setup: setup(2),
    scale: small(2),
    threads: pool(2, { meets: 1 }, (actor) => {
      const owner = new Owner(actor);
      owner.post([1]);
      owner.post([2]);
      owner.waitFor(2);
      owner.board.close();
    }),
    end: accountFor(1, 2),
  }),
  model({
    name: "Pool: a worker that looks for tasks without sleeping misses none",
    setup: setup(1),
    scale: small(2),
    threads: pool(1, { searches: true }, (actor) => {
      const owner = new Owner(actor);
      owner.post([1]);
      owner.waitFor(1);
      owner.post([2]);
      owner.post([3]);
      owner.waitFor(3);
      owner.board.close();
    }),
    end: accountFor(1, 2, 3),
  }),
  model({
    name: "Pool: a worker that looks for tasks without sleeping wakes another for what it does not take",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => work(actor, { searches: true, meets: 2 }),
      (actor) => {
        new Hand(actor, 2).work();
      },
      (actor) => {
        const owner = new Owner(actor);
        owner.post([1]);
        owner.waitFor(1);
        owner.post([2]);
        owner.post([3]);
        owner.waitFor(3);
        owner.board.close();
      },
    ],
    end: accountFor(1, 2, 3),
    // A whole worker and three rounds: two preemptions take minutes.
    bound: 1,
  }),
  model({
    name: "Pool: what is taken back is not begun, and all else has an outcome",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => work(actor),
      (actor) => {
        const hand = new Hand(actor);
        const task = hand.share.steal();
        if (task !== 0) hand.run(task);
        hand.finished.tell(0, 0);
      },
      (actor) => {
        const owner = new Owner(actor);
        owner.post([1, 2, 3], 2);
        for (const number of [2, 1]) if (owner.takeBack(number)) actor.note("back", owner.trays.indexes[number]);
        owner.waitFor(3 - actor.notes("back").length);
        owner.board.close();
      },
    ],
    end: accountFor(1, 2, 3),
  }),
  model({
    name: "Pool: of a worker that dies at most the task that it ran is lost",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => work(actor),
      (actor) => new Hand(actor).work(),
      (actor) => {
        const owner = new Owner(actor, [0]);
        owner.post([1, 2], 2);
        owner.waitFor(2);
        owner.board.close();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2),
    // A whole worker: two preemptions take minutes.
    bound: 1,
  }),
  model({
    name: "Pool: of a worker that dies in its share all is done that it has not begun",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => new Hand(actor).work(),
      (actor) => new Hand(actor).work(),
      (actor) => {
        const owner = new Owner(actor, [0]);
        owner.post([1, 2], 2);
        owner.waitFor(2);
        owner.board.close();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2),
    // With a death at any step, two preemptions take minutes.
    bound: 1,
  }),
  model({
    name: "Pool: a worker that dies between two shares leaves nothing that is in neither",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => new Hand(actor).work(),
      (actor) => new Hand(actor).work(),
      (actor) => {
        const owner = new Owner(actor, [0]);
        owner.post([1, 2]);
        owner.waitFor(2);
        owner.board.close();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2),
    // With a death at any step, two preemptions take minutes.
    bound: 1,
  }),
  model({
    name: "Pool: a worker that dies looking for tasks without sleeping is trusted no more",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => {
        const hand = new Hand(actor);
        const { board } = hand;
        if (board.beginSearching(board.space.id)) board.endSearching(board.space.id);
        const task = hand.take();
        if (task === 0) return;
        hand.run(task);
        hand.finished.tell(0, 0);
      },
      (actor) => new Hand(actor).work(),
      (actor) => {
        const owner = new Owner(actor, [0]);
        owner.post([1]);
        owner.waitFor(1);
        owner.board.close();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1),
  }),
  model({
    name: "Pool: workers that leave for want of tasks leave as many as have to stay, and nothing undone",
    setup: setup(2),
    scale: small(2),
    threads: pool(2, { idle: true }, (actor) => {
      const owner = new Owner(actor, [0, 1]);
      owner.post([1]);
      owner.waitFor(1);
      owner.post([2]);
      owner.waitFor(2);
      owner.board.close();
    }),
    end: accountFor(1, 2),
  }),
  model({
    name: "Pool: a task is over, or was left, whatever it was told meanwhile",
    setup: setup(1),
    scale: small(2),
    threads: [
      (actor) => {
        const hand = new Hand(actor);
        const task = hand.take();
        if (task !== 0 && hand.run(task)) actor.count("ended", 1);
      },
      (actor) => {
        const owner = new Owner(actor);
        owner.post([1]);
        actor.step();
        const task = owner.trays.taskOf(0);
        tell(owner.space, task);
        actor.step();
        if (leave(owner.space, task, owner.idOf(0))) actor.count("ended", 1);
        const phase = phaseOf(load(owner.words, task + STATE));
        actor.assert(phase === READY || phase === OVER || phase === LEFT, `it is in phase ${phase}`);
      },
    ],
    end: (actor) => actor.assert(actor.count("ended") <= 1, "it is over and was left"),
  }),
];
