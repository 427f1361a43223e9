import { locate } from "../../../_internal/memory/shared_object.ts";
import { OBJECT_HEADER } from "../../../_internal/memory/memory.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { BoundedSemaphore, Semaphore } from "../../../sync/semaphore.ts";
import { type Actor, type Model, model, TIMEOUT, times } from "../model.ts";

type Semaphores = { semaphore: Semaphore };

const setup = (value: number) => (): Semaphores => ({ semaphore: new Semaphore(value) });

/** A waiter bars the semaphore after it was overtaken once, so that few steps show what follows. */
const IMPATIENT = [{
  file: "_internal/memory/wait_point.ts",
  find: /WOKEN_IN_VAIN = \d+;/,
  replace: "WOKEN_IN_VAIN = 1;",
}];

const has = (value: number) => (actor: Actor, { semaphore }: Semaphores): void =>
  actor.assert(semaphore.value === value, `there are ${semaphore.value} permits at the end, not ${value}`);

/** A bar that is left behind keeps a thread off that finds a permit, until its first wait for it is over. */
const isUnbarred = (value: number) => (actor: Actor, { semaphore }: Semaphores): void => {
  const word = spaceOf("thread").words[locate(semaphore)!.at + OBJECT_HEADER];
  actor.assert(word >>> 1 === value, `there are ${word >>> 1} permits at the end, not ${value}`);
  actor.assert((word & 1) === 0, "the semaphore is barred at the end");
};

function use(actor: Actor, { semaphore }: Semaphores, limit: number): void {
  const guard = semaphore.acquireSync();
  actor.inside("the section", limit);
  actor.release(guard);
}

/** What semaphores promise. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Semaphore: no more inside than there are permits",
    setup: setup(2),
    threads: times<Semaphores>(3, (actor, objects) => use(actor, objects, 2)),
    end: has(2),
  }),
  model({
    name: "Semaphore: one permit, two threads, twice",
    setup: setup(1),
    threads: times<Semaphores>(2, (actor, objects) => {
      use(actor, objects, 1);
      use(actor, objects, 1);
    }),
    end: has(1),
  }),
  model({
    name: "Semaphore: a signal for each thread, whether it waits yet or not",
    setup: setup(0),
    threads: [
      (_actor, { semaphore }) => void semaphore.acquireSync(),
      async (_actor, { semaphore }) => void await semaphore.acquire(),
      (_actor, { semaphore }) => void semaphore.acquireSync(),
      (_actor, { semaphore }) => {
        semaphore.release(3);
      },
    ],
    end: has(0),
  }),
  model({
    name: "Semaphore: a guard gives its permit back once",
    setup: setup(1),
    threads: times<Semaphores>(2, (actor, { semaphore }) => {
      const guard = semaphore.acquireSync();
      actor.inside("the section");
      actor.release(guard);
      actor.release(guard);
    }),
    end: has(1),
  }),
  model({
    name: "Semaphore: an abort and a timeout take no permit along, and add none",
    setup: setup(1),
    threads: [
      async (actor, { semaphore }) => {
        try {
          const guard = await semaphore.acquire({ signal: actor.signal() });
          actor.inside("the section");
          actor.release(guard);
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      (actor, { semaphore }) => {
        try {
          const guard = semaphore.acquireSync({ timeout: TIMEOUT });
          actor.inside("the section");
          actor.release(guard);
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      (actor, objects) => use(actor, objects, 1),
    ],
    faults: { timeouts: 1, spurious: 1 },
    end: has(1),
  }),
  model({
    name: "Semaphore: a waiter that is killed takes no other waiter's wake-up",
    setup: setup(0),
    threads: [
      (_actor, { semaphore }) => void semaphore.acquireSync(),
      (_actor, { semaphore }) => void semaphore.acquireSync(),
      (_actor, { semaphore }) => {
        semaphore.release();
        semaphore.release();
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: (actor, { semaphore }) =>
      actor.assert(semaphore.value <= actor.deaths, `there are ${semaphore.value} permits at the end`),
  }),
  model({
    name: "Semaphore: promises of one thread get permits in the order of the calls",
    setup: setup(1),
    threads: [
      async (actor, { semaphore }) => {
        const one = async (number: number): Promise<void> => {
          const guard = await semaphore.acquire();
          actor.note("order", number);
          actor.inside("the section");
          actor.release(guard);
        };
        await Promise.all([one(0), one(1), one(2)]);
        actor.assert(actor.notes("order").join() === "0,1,2", `the order was ${actor.notes("order")}`);
      },
      (actor, objects) => use(actor, objects, 1),
    ],
    end: has(1),
  }),
  model({
    name: "Semaphore: overtaken waiters bar it, and get a permit",
    setup: setup(1),
    scale: IMPATIENT,
    threads: times<Semaphores>(3, (actor, objects) => {
      for (let i = actor.index === 0 ? 0 : 1; i < 2; i++) use(actor, objects, 1);
    }),
    end: isUnbarred(1),
  }),
  model({
    name: "Semaphore: an overtaken waiter that gives up takes its bar along",
    setup: setup(0),
    scale: [{ ...IMPATIENT[0], replace: "WOKEN_IN_VAIN = 0;" }],
    threads: [
      (actor, { semaphore }) => {
        try {
          semaphore.acquireSync({ timeout: TIMEOUT });
          actor.count("taken", 1);
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      (actor, { semaphore }) => {
        semaphore.acquireSync();
        actor.count("taken", 1);
      },
      (actor, { semaphore }) => {
        semaphore.release();
        if (semaphore.tryAcquire() !== undefined) actor.count("taken", 1);
        semaphore.release(3);
      },
    ],
    faults: { timeouts: 1 },
    end: (actor, objects) => isUnbarred(4 - actor.count("taken"))(actor, objects),
  }),
  model({
    name: "Semaphore: a try gets a permit, though a waiter that died has barred it",
    setup: setup(1),
    scale: IMPATIENT,
    threads: [
      (actor, objects) => {
        use(actor, objects, 1);
        use(actor, objects, 1);
      },
      (actor, { semaphore }) => actor.release(semaphore.acquireSync()),
    ],
    faults: { deaths: 1 },
    mortal: [1],
    endless: [0],
    end: (actor, { semaphore }) =>
      actor.assert(
        semaphore.value === 0 || semaphore.tryAcquire() !== undefined,
        "there is a permit that a try does not get",
      ),
  }),
  model({
    name: "BoundedSemaphore: of two releases for one permit one is refused",
    setup: () => {
      const semaphore = new BoundedSemaphore(2);
      semaphore.acquireSync();
      return { semaphore };
    },
    threads: times<Semaphores>(2, (actor, { semaphore }) => {
      try {
        semaphore.release();
        actor.count("released", 1);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
    }),
    end: (actor, objects) => {
      actor.assert(actor.count("released") === 1, `${actor.count("released")} releases went through`);
      has(2)(actor, objects);
    },
  }),
  model({
    name: "BoundedSemaphore: guards and releases together add none",
    setup: () => ({ semaphore: new BoundedSemaphore(1) }),
    threads: times<Semaphores>(3, (actor, { semaphore }) => {
      const guard = semaphore.acquireSync();
      actor.inside("the section");
      if (actor.index === 0) semaphore.release();
      else actor.release(guard);
    }),
    end: has(1),
  }),
];
