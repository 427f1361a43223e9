import { load, store } from "../../../_internal/atomics.ts";
import { locate } from "../../../_internal/memory/shared_object.ts";
import { OBJECT_HEADER } from "../../../_internal/memory/memory.ts";
import { BLOCK_HEADER } from "../../../_internal/memory/allocator.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { arrive, arrived, depart, GENERATIONS_WORDS } from "../../../sync/_generations.ts";
import { Barrier } from "../../../sync/barrier.ts";
import { type Actor, type Model, model, TIMEOUT, times } from "../model.ts";

type Barriers = { barrier: Barrier };

/** Words that nothing else uses: the address of the block behind a generation, and what is in front of it. */
const NEXT = 102;
const NEXT_HEADER = 103;

const setup = (parties: number) => (): Barriers => ({ barrier: new Barrier(parties) });
const withAction = (parties: number) => (): Barriers => ({ barrier: new Barrier(parties, { action: () => {} }) });

/** How often the action was called. Its stand-in counts that in the words behind its description. */
function actionsOf(barrier: Barrier): number {
  const { words } = spaceOf("thread");
  const description = words[locate(barrier)!.at + OBJECT_HEADER + GENERATIONS_WORDS];
  return words[description + 1];
}

/** Waits, and checks when it passes that all others of its round had come. Returns its index, or -1: broken. */
function pass(actor: Actor, barrier: Barrier, round: number, timeout?: number): number {
  actor.count(`came ${round}`, 1);
  try {
    const index = barrier.waitSync(timeout === undefined ? undefined : { timeout });
    passed(actor, barrier, round, index);
    return index;
  } catch (error) {
    return broken(error);
  }
}

async function passAsync(actor: Actor, barrier: Barrier, round: number, signal?: AbortSignal): Promise<number> {
  actor.count(`came ${round}`, 1);
  try {
    const index = await barrier.wait({ signal });
    passed(actor, barrier, round, index);
    return index;
  } catch (error) {
    return actor.gaveUp(error) ? -1 : broken(error);
  }
}

function passed(actor: Actor, barrier: Barrier, round: number, index: number): void {
  const came = actor.count(`came ${round}`);
  actor.assert(came === barrier.parties, `a thread passed when ${came} of ${barrier.parties} had come`);
  actor.assert(!actor.notes(`index ${round}`).includes(index), `two threads have the index ${index}`);
  actor.note(`index ${round}`, index);
}

function broken(error: unknown): number {
  if (!(error instanceof Error) || error.name !== "BrokenBarrierError") throw error;
  return -1;
}

/** Either all of a round pass or none does. */
const allOrNone = (round: number) => (actor: Actor, { barrier }: Barriers): void => {
  const count = actor.notes(`index ${round}`).length;
  actor.assert(count === 0 || count === barrier.parties, `${count} of ${barrier.parties} passed`);
};

/** All living threads have returned. If the dead thread had not come yet, the others wait for another party. */
const livingReturn = (threads: number) => (actor: Actor, { barrier }: Barriers): void => {
  const left = [0, 1, 2].slice(0, threads).filter((index) => !actor.isDead(index)).length - actor.count("returned");
  if (left <= 0) return;
  actor.assert(!barrier.broken, `${left} threads wait at a broken barrier`);
  const waiting = barrier.nWaiting;
  actor.assert(waiting === left, `${left} threads wait, and the barrier counts ${waiting}`);
};

/** What a barrier promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Barrier: three come, all pass",
    setup: setup(3),
    threads: [
      (actor, { barrier }) => void pass(actor, barrier, 0),
      async (actor, { barrier }) => void await passAsync(actor, barrier, 0),
      (actor, { barrier }) => void pass(actor, barrier, 0),
    ],
    end: (actor) => actor.assert(actor.notes("index 0").length === 3, "not all threads passed"),
  }),
  model({
    name: "Barrier: two threads, three rounds",
    setup: setup(2),
    threads: times<Barriers>(2, (actor, { barrier }) => {
      for (let round = 0; round < 3; round++) {
        actor.assert(pass(actor, barrier, round) >= 0, "the barrier broke");
      }
    }),
  }),
  model({
    name: "Barrier: the action is called once a round, before any thread passes",
    setup: withAction(2),
    threads: times<Barriers>(2, (actor, { barrier }) => {
      for (let round = 0; round < 2; round++) {
        actor.assert(pass(actor, barrier, round) >= 0, "the barrier broke");
        const calls = actionsOf(barrier);
        // The other thread may be in the next round, but this one has not come there yet.
        actor.assert(calls === round + 1, `the action was called ${calls} times in ${round + 1} rounds`);
      }
    }),
    faults: { spurious: 1 },
  }),
  model({
    name: "Barrier: a timeout that races with the last to come breaks it for all, or for none",
    setup: setup(2),
    threads: [
      (actor, { barrier }) => void pass(actor, barrier, 0, TIMEOUT),
      (actor, { barrier }) => void pass(actor, barrier, 0),
    ],
    faults: { timeouts: 1 },
    end: (actor, objects) => {
      allOrNone(0)(actor, objects);
      const isBroken = actor.notes("index 0").length === 0;
      actor.assert(
        objects.barrier.broken === isBroken,
        "the barrier is broken and all passed, or it is whole and not all did",
      );
    },
  }),
  model({
    name: "Barrier: an abort breaks it, unless all had come",
    setup: setup(2),
    threads: [
      async (actor, { barrier }) => {
        if (await passAsync(actor, barrier, 0, actor.signal()) < 0) actor.count("aborted", 1);
      },
      (actor, { barrier }) => void pass(actor, barrier, 0),
    ],
    end: (actor, { barrier }) => {
      const passed = actor.notes("index 0").length;
      actor.assert(passed === 2 - (passed === 0 ? 2 : actor.count("aborted")), `${passed} of 2 passed`);
      actor.assert(
        barrier.broken === (passed === 0),
        "the barrier is broken and all had come, or it is whole and not all had",
      );
    },
  }),
  model({
    name: "Barrier: reset and abort reach the threads that wait, and not those that have passed",
    setup: setup(2),
    threads: [
      (actor, { barrier }) => void pass(actor, barrier, 0, TIMEOUT),
      (actor, { barrier }) => void pass(actor, barrier, 0, TIMEOUT),
      (actor, { barrier }) => {
        barrier.reset();
        actor.step();
        barrier.abort();
        barrier.reset();
      },
    ],
    end: (actor) => {
      // One thread may have come in time for another generation, and be alone there.
      const count = actor.notes("index 0").length;
      actor.assert(count === 0 || count === 2, `${count} of 2 passed`);
    },
  }),
  model({
    name: "Barrier: the death of a thread that had come breaks it",
    setup: setup(3),
    threads: times<Barriers>(3, (actor, { barrier }) => {
      const index = pass(actor, barrier, 0);
      actor.assert(index >= 0 || actor.deaths > 0, "the barrier broke, and no thread had died");
      actor.count("returned", 1);
    }),
    faults: { deaths: 1 },
    endless: [0, 1, 2],
    end: livingReturn(3),
    bound: 1,
  }),
  model({
    name: "Barrier: a further thread may come after the last party has died",
    setup: (): Barriers => {
      const barrier = new Barrier(2);
      // A generation passes, so that its block is there, and the next block is another's.
      const space = spaceOf("thread");
      const at = locate(barrier)!.at + OBJECT_HEADER;
      for (let party = 0; party < 2; party++) arrive(space, at, 2, false);
      for (let party = 0; party < 2; party++) depart(space, at, arrived);
      const next = space.allocate(8, "make block");
      store(space.words, NEXT, next);
      store(space.words, NEXT_HEADER, load(space.words, next - BLOCK_HEADER));
      return { barrier };
    },
    threads: times<Barriers>(3, (_actor, { barrier }) => {
      try {
        barrier.waitSync();
      } catch (error) {
        broken(error);
      }
    }),
    faults: { deaths: 1 },
    endless: [0, 1, 2],
    end: (actor) => {
      const { words } = spaceOf("thread");
      const size = load(words, load(words, NEXT) - BLOCK_HEADER);
      actor.assert(size === load(words, NEXT_HEADER), `the block behind a generation has the size ${size} now`);
    },
    bound: 1,
  }),
  model({
    name: "Barrier: a thread that dies in the action breaks it",
    setup: withAction(2),
    threads: times<Barriers>(2, (actor, { barrier }) => {
      const index = pass(actor, barrier, 0);
      actor.assert(index >= 0 || actor.deaths > 0, "the barrier broke, and no thread had died");
      actor.assert(index < 0 || actionsOf(barrier) === 1, "a thread passed before the action");
      actor.count("returned", 1);
    }),
    faults: { deaths: 1 },
    endless: [0, 1],
    end: livingReturn(2),
  }),
];
