import { locate } from "../../../_internal/memory/shared_object.ts";
import { OBJECT_HEADER } from "../../../_internal/memory/memory.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { Lock } from "../../../sync/lock.ts";
import { Semaphore } from "../../../sync/semaphore.ts";
import { type Actor, type Model, model, TIMEOUT, times } from "../model.ts";

type Locks = { lock: Lock };

const setup = (): Locks => ({ lock: new Lock() });

/** A waiter counts as overtaken sooner, so that few steps show what follows. */
const IMPATIENT = [{
  file: "_internal/memory/wait_point.ts",
  find: /WOKEN_IN_VAIN = \d+;/,
  replace: "WOKEN_IN_VAIN = 1;",
}];

/** A bar that is left behind keeps a thread off that finds the lock free, until its first wait for it is over. */
const isUnheld = (actor: Actor, { lock }: Locks): void => {
  const word = spaceOf("thread").words[locate(lock)!.at + OBJECT_HEADER];
  actor.assert(word === 0, `the lock is held or barred at the end: its word is ${word}`);
};

function acquireTwice(actor: Actor, lock: Lock): void {
  const guard = lock.acquireSync();
  actor.inside("the section");
  actor.release(guard);
  const again = lock.acquireSync();
  actor.release(again);
}

/** What a lock promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Lock: two threads exclude each other",
    setup,
    threads: times<Locks>(2, (actor, { lock }) => {
      for (let i = 0; i < 2; i++) {
        const guard = lock.acquireSync();
        actor.inside("the section");
        actor.release(guard);
      }
    }),
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: three threads exclude each other",
    setup,
    threads: times<Locks>(3, (actor, { lock }) => {
      const guard = lock.acquireSync();
      actor.inside("the section");
      actor.release(guard);
    }),
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: a dead holder's lock passes on, as abandoned",
    setup,
    threads: times<Locks>(3, (actor, { lock }) => {
      const guard = lock.acquireSync();
      actor.assert(!guard.abandoned || actor.deaths > 0, "abandoned, but no thread died");
      actor.inside("the section");
      actor.release(guard);
    }),
    faults: { deaths: 1 },
  }),
  model({
    name: "Lock: a timeout that passes takes nothing along",
    setup,
    threads: times<Locks>(3, (actor, { lock }) => {
      try {
        const guard = lock.acquireSync(actor.index === 2 ? { timeout: TIMEOUT } : undefined);
        actor.inside("the section");
        actor.release(guard);
      } catch (error) {
        if (!actor.gaveUp(error)) throw error;
      }
    }),
    faults: { timeouts: 1 },
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: a promise and a blocked thread",
    setup,
    threads: [
      async (actor, { lock }) => {
        const guard = await lock.acquire();
        actor.inside("the section");
        actor.release(guard);
      },
      (actor, { lock }) => {
        const guard = lock.acquireSync();
        actor.inside("the section");
        actor.release(guard);
      },
    ],
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: overtaken waiters bar it, and get it",
    setup,
    threads: times<Locks>(3, (actor, { lock }) => {
      for (let i = actor.index === 0 ? 0 : 1; i < 2; i++) {
        const guard = lock.acquireSync();
        actor.inside("the section");
        actor.release(guard);
      }
    }),
    scale: [{ ...IMPATIENT[0], replace: "WOKEN_IN_VAIN = 0;" }],
    end: isUnheld,
  }),
  model({
    name: "Lock: an overtaken waiter that gives up takes its bar along",
    setup,
    threads: [
      (actor, { lock }) => acquireTwice(actor, lock),
      (actor, { lock }) => {
        try {
          actor.release(lock.acquireSync({ timeout: TIMEOUT }));
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
    ],
    faults: { timeouts: 1 },
    scale: [{ ...IMPATIENT[0], replace: "WOKEN_IN_VAIN = 0;" }],
    end: isUnheld,
  }),
  model({
    name: "Lock: a try gets a free lock, though a waiter that died has barred it",
    setup,
    threads: [
      (actor, { lock }) => acquireTwice(actor, lock),
      (actor, { lock }) => actor.release(lock.acquireSync()),
    ],
    faults: { deaths: 1 },
    mortal: [1],
    scale: [{ ...IMPATIENT[0], replace: "WOKEN_IN_VAIN = 0;" }],
    end: (actor, { lock }) => actor.assert(lock.tryAcquire() !== undefined, "the lock cannot be had at the end"),
  }),
  model({
    name: "Lock: promises get it in the order of the calls",
    setup,
    threads: [
      async (actor, { lock }) => {
        const use = async (number: number): Promise<void> => {
          const guard = await lock.acquire();
          actor.note("order", number);
          actor.inside("the section");
          actor.release(guard);
        };
        await Promise.all([use(0), use(1), use(2)]);
      },
      (actor, { lock }) => {
        const guard = lock.acquireSync();
        actor.inside("the section");
        actor.release(guard);
      },
    ],
    end: (actor) => actor.assert(actor.notes("order").join() === "0,1,2", `the order was ${actor.notes("order")}`),
  }),
  model({
    name: "Lock: promises of two threads, one aborted",
    setup,
    threads: times<Locks>(2, async (actor, { lock }) => {
      try {
        const guard = await lock.acquire(actor.index === 0 ? { signal: actor.signal() } : undefined);
        actor.inside("the section");
        actor.release(guard);
      } catch (error) {
        if (!actor.gaveUp(error)) throw error;
      }
      const guard = await lock.acquire();
      actor.inside("the section");
      actor.release(guard);
    }),
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: promises, timeouts and a blocked thread",
    setup,
    threads: [
      async (actor, { lock }) => {
        try {
          const guard = await lock.acquire({ timeout: TIMEOUT });
          actor.inside("the section");
          actor.release(guard);
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      (actor, { lock }) => {
        try {
          const guard = lock.acquireSync({ timeout: TIMEOUT });
          actor.inside("the section");
          actor.release(guard);
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      (actor, { lock }) => {
        const guard = lock.acquireSync();
        actor.inside("the section");
        actor.release(guard);
      },
    ],
    faults: { timeouts: 2 },
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: a dead holder's lock passes on to promises",
    setup,
    threads: [
      async (actor, { lock }) => {
        const guard = await lock.acquire();
        actor.inside("the section");
        actor.release(guard);
      },
      (actor, { lock }) => {
        const guard = lock.acquireSync();
        actor.inside("the section");
        actor.release(guard);
      },
    ],
    faults: { deaths: 1 },
  }),
  model({
    name: "Lock: a promise that is woken in vain",
    setup,
    threads: [
      async (actor, { lock }) => {
        const guard = await lock.acquire();
        actor.inside("the section");
        actor.release(guard);
      },
      (actor, { lock }) => {
        for (let i = 0; i < 2; i++) {
          const guard = lock.acquireSync();
          actor.inside("the section");
          actor.release(guard);
        }
      },
    ],
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: promises of two threads, and two blocked threads",
    setup,
    threads: [
      ...times<Locks>(2, async (actor, { lock }) => {
        const guard = await lock.acquire();
        actor.inside("the section");
        actor.release(guard);
      }),
      ...times<Locks>(2, (actor, { lock }) => {
        const guard = lock.acquireSync();
        actor.inside("the section");
        actor.release(guard);
      }),
    ],
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: released by another thread, with two promises and a thread that tries",
    setup: () => {
      const lock = new Lock();
      lock.acquireSync();
      return { lock };
    },
    threads: [
      async (actor, { lock }) => {
        const guard = await lock.acquire();
        actor.inside("the section");
        actor.release(guard);
      },
      async (actor, { lock }) => {
        const guard = await lock.acquire();
        actor.inside("the section");
        actor.release(guard);
      },
      (_actor, { lock }) => lock.release(),
      (actor, { lock }) => {
        const guard = lock.tryAcquire();
        if (guard === undefined) return;
        actor.inside("the section");
        actor.release(guard);
      },
    ],
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
  model({
    name: "Lock: a guard whose lock another thread released does not release the next holder's",
    setup: () => ({ lock: new Lock(), taken: new Semaphore(0), released: new Semaphore(0) }),
    threads: [
      (actor, { lock, taken, released }) => {
        const guard = lock.acquireSync();
        taken.release();
        released.acquireSync();
        // Spent by now: another thread released its lock.
        actor.release(guard);
      },
      (_actor, { lock, taken, released }) => {
        taken.acquireSync();
        lock.release();
        released.release();
      },
      (actor, { lock }) => {
        const guard = lock.acquireSync();
        actor.enter("the section");
        actor.step();
        actor.assert(lock.locked, "a stale guard freed another's lock");
        actor.leave("the section");
        actor.release(guard);
      },
    ],
    end: (actor, { lock }) => actor.assert(!lock.locked, "the lock is held at the end"),
  }),
];
