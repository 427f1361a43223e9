import { locate } from "../../../_internal/memory/shared_object.ts";
import { OBJECT_HEADER } from "../../../_internal/memory/memory.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { RLock } from "../../../sync/rlock.ts";
import { type Actor, type Model, model, TIMEOUT, times } from "../model.ts";

type Locks = { lock: RLock };

const setup = (): Locks => ({ lock: new RLock() });

/** A waiter bars the lock after it was overtaken once, so that few steps show what follows. */
const IMPATIENT = [{
  file: "_internal/memory/wait_point.ts",
  find: /WOKEN_IN_VAIN = \d+;/,
  replace: "WOKEN_IN_VAIN = 0;",
}];

const isFree = (actor: Actor, { lock }: Locks): void => actor.assert(!lock.locked, "the lock is held at the end");

/** Acquires twice, and checks that no other thread comes in after the first release. */
function nested(actor: Actor, lock: RLock): void {
  const outer = lock.acquireSync();
  actor.enter("the section");
  const inner = lock.acquireSync();
  actor.release(inner);
  actor.step();
  actor.leave("the section");
  actor.release(outer);
}

/** The same for an async function, whose calls belong to it through `run`. */
async function nestedRun(actor: Actor, lock: RLock, task: string): Promise<void> {
  await lock.run(async () => {
    actor.note("in", Number(task));
    actor.assert(actor.count(`inside ${actor.index}`, 1) === 1, "two tasks of one thread are inside");
    actor.enter("the section");
    const inner = await lock.acquire();
    actor.release(inner);
    await lock.run(() => {});
    actor.leave("the section");
    actor.count(`inside ${actor.index}`, -1);
  });
}

/** What a re-entrant lock promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "RLock: two threads, each twice inside",
    setup,
    threads: times<Locks>(2, (actor, { lock }) => {
      nested(actor, lock);
      nested(actor, lock);
    }),
    end: isFree,
  }),
  model({
    name: "RLock: three threads exclude each other",
    setup,
    threads: times<Locks>(3, (actor, { lock }) => nested(actor, lock)),
    end: isFree,
  }),
  model({
    name: "RLock: guards disposed of in any order, and a thread that tries",
    setup,
    threads: [
      (actor, { lock }) => {
        const first = lock.acquireSync();
        const second = lock.acquireSync();
        actor.enter("the section");
        actor.release(first);
        actor.step();
        actor.release(first);
        actor.assert(lock.locked, "a guard was spent twice");
        actor.leave("the section");
        actor.release(second);
      },
      (actor, { lock }) => {
        const guard = lock.tryAcquire();
        if (guard === undefined) return;
        const again = lock.tryAcquire();
        actor.assert(again !== undefined, "the holder could not take it again");
        actor.enter("the section");
        actor.step();
        actor.leave("the section");
        if (again !== undefined) actor.release(again);
        actor.release(guard);
      },
      (actor, { lock }) => nested(actor, lock),
    ],
    end: isFree,
  }),
  model({
    name: "RLock: no other thread releases it",
    setup,
    threads: [
      (actor, { lock }) => nested(actor, lock),
      (actor, { lock }) => {
        try {
          lock.release();
          actor.assert(false, "a thread released the lock of another");
        } catch (error) {
          if (!(error instanceof Error) || error.name !== "InvalidStateError") throw error;
        }
        nested(actor, lock);
      },
    ],
    end: isFree,
  }),
  model({
    name: "RLock: a dead holder's lock passes on, as abandoned, with one level",
    setup,
    threads: times<Locks>(3, (actor, { lock }) => {
      const guard = lock.acquireSync();
      actor.assert(!guard.abandoned || actor.deaths > 0, "abandoned, but no thread died");
      actor.enter("the section");
      const inner = lock.acquireSync();
      actor.assert(!inner.abandoned, "a level was abandoned");
      actor.release(inner);
      actor.leave("the section");
      actor.release(guard);
    }),
    faults: { deaths: 1 },
  }),
  model({
    name: "RLock: a dead holder's lock is released by another thread, once",
    setup,
    threads: [
      (_actor, { lock }) => {
        const guard = lock.acquireSync();
        lock.acquireSync();
        lock.release();
        lock.release();
        void guard;
      },
      (actor, { lock }) => {
        try {
          lock.release();
          actor.assert(actor.deaths > 0, "the lock of a living thread was released");
        } catch (error) {
          if (!(error instanceof Error) || error.name !== "InvalidStateError") throw error;
        }
      },
      (actor, { lock }) => nested(actor, lock),
    ],
    faults: { deaths: 1 },
    mortal: [0],
  }),
  model({
    name: "RLock: a timeout that passes takes nothing along",
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
    end: isFree,
  }),
  model({
    name: "RLock: overtaken waiters bar it, and get it",
    setup,
    scale: IMPATIENT,
    threads: times<Locks>(3, (actor, { lock }) => {
      for (let i = actor.index === 0 ? 0 : 1; i < 2; i++) nested(actor, lock);
    }),
    end: (actor, { lock }) => {
      const word = spaceOf("thread").words[locate(lock)!.at + OBJECT_HEADER];
      actor.assert(word === 0, `the lock is held or barred at the end: its word is ${word}`);
    },
  }),
  model({
    name: "RLock: run() of two tasks of one thread, and a blocked thread",
    setup,
    threads: [
      async (actor, { lock }) => {
        await Promise.all([nestedRun(actor, lock, "0"), nestedRun(actor, lock, "1")]);
        actor.assert(actor.notes("in").join() === "0,1", `the order was ${actor.notes("in")}`);
      },
      (actor, { lock }) => nested(actor, lock),
    ],
    end: isFree,
  }),
  model({
    name: "RLock: run() of two threads, one of which dies",
    setup,
    threads: times<Locks>(2, async (actor, { lock }) => {
      await lock.run(async () => {
        actor.enter("the section");
        const inner = await lock.acquire();
        actor.release(inner);
        actor.leave("the section");
      });
    }),
    faults: { deaths: 1 },
  }),
  model({
    name: "RLock: run(), an acquire that is aborted, and a blocked thread with a timeout",
    setup,
    threads: [
      async (actor, { lock }) => {
        await Promise.all([
          nestedRun(actor, lock, "0"),
          (async () => {
            try {
              const guard = await lock.acquire({ signal: actor.signal() });
              actor.enter("the section");
              actor.leave("the section");
              actor.release(guard);
            } catch (error) {
              if (!actor.gaveUp(error)) throw error;
            }
          })(),
        ]);
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
    ],
    faults: { timeouts: 1 },
    end: isFree,
  }),
];
