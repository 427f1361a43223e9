import { load, store } from "../../../_internal/atomics.ts";
import { BLOCK_HEADER } from "../../../_internal/memory/allocator.ts";
import { HEAP_AT, TOP_AT } from "../../../_internal/memory/memory.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { block, notify, sleep, SLICE_MS } from "../../../_internal/memory/wait_point.ts";
import { DONE, WORK } from "../../../_internal/pool/board.ts";
import { leave, LEFT, OVER, phaseOf, STATE, tell, TOLD } from "../../../_internal/pool/task.ts";
import { type Model, model, times } from "../model.ts";
import {
  accountFor,
  boardOf,
  Hand,
  Owner,
  pool,
  setup,
  setupPosted,
  setupShared,
  small,
  work,
} from "../_pool_parts.ts";

/** What a pool's board promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Pool: each task is begun by one worker, and reported once",
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
    name: "Pool: a worker that has looked for tasks without sleeping wakes as many others as there are tasks besides",
    // Two workers have registered and found nothing: they are about to sleep.
    setup: () => {
      const objects = setupPosted(3, [1])();
      const { words, at } = boardOf();
      store(words, at + WORK, 2);
      return objects;
    },
    scale: small(2),
    threads: [
      (actor) => work(actor, { searches: true, meets: 2 }),
      ...times(2, (actor) => {
        const { space, at } = boardOf();
        if (sleep(space, at + WORK, 2, SLICE_MS)) actor.count("awake", 1);
      }),
      (actor) => {
        const board = boardOf();
        block(board.space, board.at + DONE, () => board.takeFinished() === 0 ? undefined : true, Infinity);
        const owner = new Owner(actor);
        owner.post([2]);
        owner.post([3]);
        owner.post([4]);
      },
    ],
    // The first worker has a task that waits for another one.
    endless: [0, 1, 2],
    end: (actor) => actor.assert(actor.count("awake") === 2, "a worker sleeps beside a task"),
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
    name: "Pool: a worker that dies loses at most the task that it ran",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => work(actor),
      (actor) => {
        const owner = new Owner(actor);
        owner.post([1, 2], 2);
        owner.post([3]);
        if (owner.waitOrEnd(3, 0)) owner.takeOver(0);
        owner.board.close();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2, 3),
  }),
  model({
    name: "Pool: what a dead worker had in its share is done by another",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => new Hand(actor).work(),
      (actor) => new Hand(actor).work(),
      (actor) => {
        const owner = new Owner(actor, [0]);
        owner.post([1, 2], 2);
        owner.waitFor(2);
      },
    ],
    endless: [0, 1],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2),
  }),
  model({
    name: "Pool: a worker that dies while it writes its share leaves no task that is in none",
    // Its last share ends before the next one begins, since others had the tasks between: half of each is not a share.
    setup: setupShared(2, { from: 1, to: 2, end: 4 }),
    scale: small(2),
    threads: [
      (actor) => new Hand(actor).work(),
      (actor) => {
        const owner = new Owner(actor);
        owner.post([1, 2], 2);
        if (owner.waitOrEnd(2, 0)) owner.takeOver(0);
        owner.board.close();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2),
  }),
  model({
    name: "Pool: a worker that dies looking for tasks without sleeping is no longer trusted",
    setup: setup(2),
    scale: small(2),
    threads: [
      (actor) => {
        // As #tellAndTake does it.
        const hand = new Hand(actor);
        const { board } = hand;
        if (!board.beginSearching(board.space.id)) return;
        let task = hand.take();
        board.endSearching(board.space.id);
        task ||= hand.take();
        notify(board.space, board.at + WORK, board.waiting);
        if (task !== 0) hand.run(task);
        hand.finished.tell(0, 0);
      },
      (actor) => new Hand(actor).work(),
      (actor) => {
        const owner = new Owner(actor, [0]);
        owner.post([1]);
        owner.post([2]);
        owner.waitFor(2);
        owner.board.close();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1, 2),
  }),
  model({
    name: "Pool: a worker with an old view of a share begins with nothing that is not published",
    setup: setup(2),
    scale: small(1),
    threads: [
      (actor) => new Hand(actor).work(),
      (actor) => {
        const hand = new Hand(actor);
        const task = hand.share.steal();
        if (task !== 0) hand.run(task);
        hand.finished.tell(0, 0);
      },
      (actor) => {
        const owner = new Owner(actor);
        owner.post([1, 2], 2);
        owner.waitFor(2);
        // In the same places, at other positions.
        owner.post([3, 4], 2);
        owner.waitFor(4);
        owner.board.close();
      },
    ],
    end: accountFor(1, 2, 3, 4),
  }),
  model({
    name: "Pool: a share that was written in vain, or is gone, names no task that is begun twice",
    setup: setupPosted(3, [1, 2, 3]),
    scale: small(2),
    threads: times(3, (actor) => {
      const hand = new Hand(actor);
      for (;;) {
        const task = hand.take() || hand.share.steal();
        if (task === 0) break;
        hand.run(task);
      }
      hand.finished.tell(0, 0);
    }),
    end: (actor) => {
      const board = boardOf();
      const { words } = board.space;
      for (const input of [1, 2, 3]) {
        actor.assert(phaseOf(words[board.taskAt(input - 1) + STATE]) === OVER, `${input} was not done`);
      }
    },
  }),
  model({
    name: "Pool: a share that is as old as positions go names no task that is about to be posted",
    // Positions begin anew after 8: the old share of the other worker, which is idle, is where END is.
    setup: setupShared(2, { desk: 1, from: 1, to: 2, end: 1 }),
    scale: [
      ...small(1),
      { file: "_internal/pool/task.ts", find: /POSITIONS = [\d* ]+;/, replace: "POSITIONS = 8;" },
    ],
    threads: pool(1, {}, (actor) => {
      const owner = new Owner(actor);
      owner.post([1]);
      owner.waitFor(1);
      owner.board.close();
    }),
    end: accountFor(1),
  }),
  model({
    name: "Pool: a task is over, or left",
    setup: setupPosted(1, [1]),
    scale: small(2),
    threads: [
      (actor) => {
        const hand = new Hand(actor);
        if (hand.run(hand.take())) actor.note("ended", OVER);
      },
      (actor) => {
        const { space, words } = boardOf();
        const task = boardOf().taskAt(0);
        const isTold = tell(space, task) !== 0;
        const isLeft = leave(space, task, space.id - 1);
        if (isLeft) actor.note("ended", LEFT);
        const state = load(words, task + STATE);
        actor.assert(isLeft || !isTold || phaseOf(state) === OVER, "the task runs, and was not left");
        for (const phase of actor.notes("ended")) {
          actor.assert(phaseOf(state) === phase, "the task became something else");
        }
      },
    ],
    end: (actor) => {
      const board = boardOf();
      const [phase, ...others] = actor.notes("ended");
      actor.assert(others.length === 0, "the task is over, and was left");
      actor.assert(phaseOf(load(board.words, board.taskAt(0) + STATE)) === phase, "the task is neither over nor left");
    },
  }),
  model({
    name: "Pool: a task that is asked to give up is over in any case",
    setup: setupPosted(1, [1]),
    scale: small(2),
    threads: [
      (actor) => {
        const hand = new Hand(actor);
        actor.assert(hand.run(hand.take()), "the task was taken from its worker");
      },
      (actor) => {
        const { space, words } = boardOf();
        const task = boardOf().taskAt(0);
        const told = tell(space, task);
        actor.assert(told === 0 || told === space.id - 1, `worker ${told} was asked to give up`);
        actor.assert(
          told === 0 || [TOLD, OVER].includes(phaseOf(load(words, task + STATE))),
          "the task runs on, and was not asked to give up",
        );
      },
    ],
    end: (actor) => {
      const board = boardOf();
      actor.assert(phaseOf(load(board.words, board.taskAt(0) + STATE)) === OVER, "the task is not over");
    },
  }),
  model({
    name: "Pool: what a worker had finished that is given up counts once, and all of it comes back",
    setup: setup(1),
    scale: small(2),
    threads: pool(1, { says: true }, (actor) => {
      const owner = new Owner(actor);
      owner.post([1, 2, 3], 2);
      actor.step();
      owner.giveUp(0);
      // It runs on. Until it has ended, tasks that it began or has not reported are not back.
      owner.board.close();
      if (owner.waitOrEnd(4, 0)) owner.deal(0);
      owner.clear();
    }),
    end: accountFor(1, 2, 3),
  }),
  model({
    name: "Pool: a task for one worker alone is begun by it, or comes back when it dies",
    setup: setup(1),
    scale: small(2),
    threads: pool(1, {}, (actor) => {
      const owner = new Owner(actor);
      owner.send(0, 0);
      if (owner.waitOrEnd(1, 0)) owner.deal(0);
      owner.board.close();
    }),
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(0),
  }),
  model({
    name: "Pool: a worker that dies writing a long outcome loses no block, and none is given back twice",
    setup: setup(1),
    scale: small(1),
    threads: pool(1, { outcome: "long" }, (actor) => {
      const owner = new Owner(actor);
      owner.watchBlocks();
      owner.post([1, 2]);
      if (owner.waitOrEnd(2, 0)) owner.deal(0);
      owner.clear();
      owner.board.close();
    }),
    faults: { deaths: 1 },
    mortal: [0],
    end: (actor) => {
      accountFor(1, 2)(actor);
      const { words, id } = spaceOf("thread");
      // Blocks of outcomes are lent to the owner of the board, which is the main thread here.
      for (let at = HEAP_AT, size; at < words[TOP_AT]; at += size) {
        size = words[at] & ~1;
        if (size !== words[at] || words[at + 1] !== id) continue;
        // A worker that dies between the allocation and its note loses the block, just as if it died in the allocator.
        actor.assert(words[at + BLOCK_HEADER] === 0, "a block with an outcome was not given back");
      }
    },
  }),
  model({
    name: "Pool: a worker that dies reading a long input loses no block, and none is given back twice",
    setup: setup(1),
    scale: small(1),
    // The input has a block where the outcome has words: a word must not be taken for a block.
    threads: pool(1, { outcome: "short", frees: true }, (actor) => {
      const owner = new Owner(actor);
      owner.watchBlocks();
      const before = owner.blocks();
      owner.post([1], 0, true);
      if (owner.waitOrEnd(1, 0)) owner.deal(0);
      owner.clear();
      // A worker that dies between its last note and the allocator loses the block, just as if it died in the allocator.
      const known = [...before, ...actor.notes("freed")];
      actor.assert(owner.blocks().every((block) => known.includes(block)), "a block with an input was not given back");
      owner.board.close();
    }),
    faults: { deaths: 1 },
    mortal: [0],
    end: accountFor(1),
  }),
  model({
    name: "Pool: workers that leave for want of tasks leave as many behind as have to stay, and no task undone",
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
];
