import { add, load, now, store } from "../../../_internal/atomics.ts";
import { isAlive } from "../../../_internal/memory/participants.ts";
import { type Space, spaceOf } from "../../../_internal/memory/space.ts";
import { block, EVERYBODY, notify, WAIT_POINT_WORDS } from "../../../_internal/memory/wait_point.ts";
import { Board, DONE, LEAST, STAFF } from "../../../_internal/pool/board.ts";
import type { Job } from "../../../_internal/pool/job.ts";
import { NEXT, OVER, phaseOf, STATE, takeBack, takeOutcome } from "../../../_internal/pool/task.ts";
import { Trays } from "../../../_internal/pool/trays.ts";
import { workForPool } from "../../../_internal/pool/worker.ts";
import { type Actor, type Model, model, times } from "../model.ts";

const BOARD = 101;
const FN = 102;

const WORKER = "_internal/pool/worker.ts";
const FUNCTIONS = "_internal/pool/functions.ts";

const SMALL = [
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
  { file: "_internal/pool/trays.ts", find: "const FIRST_TRAYS = 8;", replace: "const FIRST_TRAYS = 1;" },
  { file: "_internal/pool/patience.ts", find: "const LEAST = 0.02;", replace: "const LEAST = 0;" },
  { file: "_internal/pool/patience.ts", find: "const MOST = 0.1;", replace: "const MOST = 0;" },
  { file: "_internal/pool/patience.ts", find: "const LOOKS = 16;", replace: "const LOOKS = 1;" },
  { file: "_internal/pool/board.ts", find: "RING_TRAYS = 1024;", replace: "RING_TRAYS = 4;" },
  { file: "_internal/pool/board.ts", find: "TRAY_TASKS = 256;", replace: "TRAY_TASKS = 4;" },
  { file: "_internal/pool/board.ts", find: "TRAY_BITS = 8;", replace: "TRAY_BITS = 2;" },
];

let task: (input: number) => unknown = (input) => input;

// What stands in for the modules that worker.ts imports.
export const nameSlowModules = (): void => {};
export const resolveTarget = async (): Promise<unknown> => task;

const setup = (workers: number) => (): Record<string, object> => {
  const space = spaceOf("thread");
  const board = Board.create(space, workers, 1);
  for (let i = 0; i < workers; i++) board.setDesk(i, board.createDesk());
  store(space.words, board.at + STAFF, workers);
  store(space.words, BOARD, board.at);
  store(space.words, FN, space.writeBlock(new TextEncoder().encode("{}"), "describe a function", 1));
  return {};
};

async function work(actor: Actor, options: { idle?: number; spins?: number } = {}): Promise<void> {
  const space = spaceOf("thread");
  const { words } = space;
  (space as { spins: number }).spins = options.spins ?? 0;
  const board = new Board(space, load(words, BOARD));
  const fn = (input: number): number => {
    actor.assert(!actor.notes("begun").includes(input), "begun twice");
    actor.note("begun", input);
    actor.step();
    return 10 * input;
  };
  task = fn;
  await workForPool({
    scope: "thread",
    board: board.at,
    desk: board.deskAt(actor.index),
    worker: space.id,
    name: "worker",
    initializer: null,
    maxTasks: 0,
    maxMemory: 0,
    idle: options.idle ?? 0,
    concurrency: 1,
    epoch: performance.timeOrigin,
  });
}

class Owner {
  readonly actor: Actor;
  readonly space: Space;
  readonly board: Board;
  readonly trays: Trays;

  constructor(actor: Actor) {
    this.actor = actor;
    this.space = spaceOf("thread");
    this.board = new Board(this.space, load(this.space.words, BOARD));
    this.trays = new Trays(this.board);
  }

  post(inputs: readonly number[], together = 0): void {
    const { actor, trays } = this;
    const job = { fn: load(this.space.words, FN), spread: false, together, attemptOf: () => 1 } as unknown as Job;
    for (const input of inputs) {
      actor.assert(trays.canPut(), "there is no tray");
      trays.put(job, input, input, 0);
    }
    actor.step();
    for (const input of inputs) actor.note("published", input);
    trays.publish();
    this.board.wake(inputs.length);
  }

  collect(): void {
    const { actor, trays, board } = this;
    const { words } = this.space;
    let task = board.takeFinished();
    const tasks: number[] = [];
    for (; task !== 0; task = words[task + NEXT]) {
      actor.assert(tasks.length < 8, "the stack has no end");
      tasks.push(task);
    }
    for (let i = tasks.length - 1; i >= 0; i--) {
      const number = trays.numberOf(tasks[i]);
      if (trays.jobs[number] !== undefined) this.deliver(number);
      trays.back(number);
    }
  }

  deliver(number: number): void {
    const { actor, trays, space } = this;
    const task = trays.taskOf(number);
    const input = trays.indexes[number];
    actor.assert(phaseOf(space.words[task + STATE]) === OVER, "it is not over");
    trays.settle(number);
    const outcome = takeOutcome(space, task);
    actor.assert(outcome === 10 * input, `another outcome: ${(outcome as Error)?.stack}`);
    actor.note("told", input);
  }

  waitFor(count: number): void {
    block(this.space, this.board.at + DONE, () => {
      this.collect();
      return this.actor.notes("told").length === count ? true : undefined;
    }, Infinity);
  }
}

export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Pool: each task is begun by one worker",
    setup: setup(2),
    scale: SMALL,
    threads: [
      ...times(2, (actor) => work(actor)),
      (actor) => {
        const owner = new Owner(actor);
        owner.post([1, 2]);
        owner.post([3]);
        owner.waitFor(3);
        owner.board.close();
      },
    ],
  }),
];
