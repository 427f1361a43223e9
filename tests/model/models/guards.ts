import { abandonHeld } from "../../../_internal/memory/kinds.ts";
import { leave } from "../../../_internal/memory/participants.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { Condition } from "../../../sync/condition.ts";
import { Lock } from "../../../sync/lock.ts";
import { RLock } from "../../../sync/rlock.ts";
import { RWLock } from "../../../sync/rwlock.ts";
import { BoundedSemaphore, Semaphore } from "../../../sync/semaphore.ts";
import { type Actor, type Model, model, times } from "../model.ts";

type Locks = { lock: Lock | RLock };
type Sides = { lock: RWLock };
type Turns = {
  lock: RWLock;
  reading: Semaphore;
  taken: Semaphore;
  looked: Semaphore;
};
type Conditions = { condition: Condition };

/** From here on the other threads take this one for dead, though it goes on. */
function seemDead(): void {
  const space = spaceOf("thread");
  leave(space.memory, space.id);
}

/** What a pool's worker does when a task is over. */
function endTask(): void {
  abandonHeld(spaceOf("thread"), new Set());
}

function isFree(actor: Actor, { lock }: Locks): void {
  actor.assert(!lock.locked, "the lock is held at the end");
}

function isFreeToWrite(actor: Actor, { lock }: Sides): void {
  actor.assert(
    lock.tryWrite() !== undefined,
    "the lock cannot be had at the end",
  );
}

/** Holds the lock for a moment, in which no other thread may free it. */
function hold(actor: Actor, lock: Lock | RLock): void {
  const guard = lock.acquireSync();
  actor.enter("the section");
  actor.step();
  actor.assert(lock.locked, "a stale guard freed another's lock");
  actor.leave("the section");
  actor.release(guard);
}

/** Writes for a moment, in which no other thread may free the lock. */
function write(actor: Actor, lock: RWLock): void {
  const guard = lock.writeSync();
  actor.enter("the section");
  actor.step();
  actor.assert(
    lock.tryRead() === undefined,
    "a stale guard freed another's lock",
  );
  actor.leave("the section");
  actor.release(guard);
}

const afterDeath = (
  name: string,
  setup: () => Locks,
): Model<Record<string, object>> =>
  model<Locks>({
    name: `${name}: a guard of a thread that was taken for dead does not release another thread's lock`,
    setup,
    threads: [
      (actor, { lock }) => {
        const guard = lock.acquireSync();
        seemDead();
        actor.step();
        actor.release(guard);
      },
      (actor, { lock }) => hold(actor, lock),
    ],
    end: isFree,
  });

const afterTask = (
  name: string,
  setup: () => Locks,
): Model<Record<string, object>> =>
  model<Locks>({
    name: `${name}: a guard of a task that is over does not release the lock of another thread or of the next task`,
    setup,
    threads: [
      (actor, { lock }) => {
        const stale = lock.acquireSync();
        endTask();
        actor.release(stale);
        const guard = lock.acquireSync();
        actor.enter("the section");
        actor.release(stale);
        actor.assert(lock.locked, "a stale guard freed the next task's lock");
        actor.step();
        actor.leave("the section");
        actor.release(guard);
      },
      (actor, { lock }) => hold(actor, lock),
    ],
    end: isFree,
  });

const whileWaiting = (
  name: string,
  setup: () => Conditions,
): Model<Record<string, object>> =>
  model<Conditions>({
    name: `Condition: a guard disposed of while its ${name} is given up does not release another thread's lock`,
    setup,
    threads: [
      async (actor, { condition }) => {
        const guard = await condition.acquire();
        const told = condition.waitFor(() => actor.count("told") > 0);
        actor.release(guard);
        await told;
      },
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        actor.enter("the section");
        actor.count("told", 1);
        condition.notify();
        actor.step();
        actor.assert(condition.locked, "a stale guard freed another's lock");
        actor.leave("the section");
        actor.release(guard);
      },
    ],
    end: (actor, { condition }) => actor.assert(!condition.locked, "the lock is held at the end"),
  });

/** Guards that no longer stand for an acquisition release nothing. */
export const models: readonly Model<Record<string, object>>[] = [
  afterDeath("Lock", () => ({ lock: new Lock() })),
  afterDeath("RLock", () => ({ lock: new RLock() })),
  afterTask("Lock", () => ({ lock: new Lock() })),
  afterTask("RLock", () => ({ lock: new RLock() })),
  model<{ lock: RLock }>({
    name:
      "RLock: a guard whose level release() took back releases no other thread's level, and no later level of its own",
    setup: () => ({ lock: new RLock() }),
    threads: [
      (actor, { lock }) => {
        const stale = lock.acquireSync();
        lock.release();
        actor.release(stale);
        const guard = lock.acquireSync();
        actor.enter("the section");
        actor.release(stale);
        actor.assert(
          lock.locked,
          "a stale guard took the next acquisition back",
        );
        actor.step();
        actor.leave("the section");
        actor.release(guard);
      },
      (actor, { lock }) => hold(actor, lock),
    ],
    end: isFree,
  }),
  model<Sides>({
    name: "RWLock: a write guard of a thread that was taken for dead does not release another thread's lock",
    setup: () => ({ lock: new RWLock() }),
    threads: [
      (actor, { lock }) => {
        const guard = lock.writeSync();
        seemDead();
        actor.step();
        actor.release(guard);
      },
      (actor, { lock }) => write(actor, lock),
    ],
    end: isFreeToWrite,
  }),
  model<Turns>({
    name: "RWLock: a read guard of a thread whose slot another thread has takes back none of that thread's reads",
    setup: () => ({
      lock: new RWLock(),
      reading: new Semaphore(0),
      taken: new Semaphore(0),
      looked: new Semaphore(0),
    }),
    threads: [
      (actor, { lock, reading, taken, looked }) => {
        const guard = lock.readSync();
        seemDead();
        reading.release();
        taken.acquireSync();
        actor.release(guard);
        looked.release();
      },
      (actor, { lock, reading, taken, looked }) => {
        reading.acquireSync();
        const guard = lock.readSync();
        taken.release();
        looked.acquireSync();
        actor.assert(
          lock.tryWrite() === undefined,
          "a stale guard took another's read back",
        );
        actor.release(guard);
      },
    ],
    end: isFreeToWrite,
  }),
  model<Sides>({
    name: "RWLock: a write guard of a task that is over does not release the next task's lock",
    setup: () => ({ lock: new RWLock() }),
    threads: [
      (actor, { lock }) => {
        const stale = lock.writeSync();
        endTask();
        const guard = lock.writeSync();
        actor.enter("the section");
        actor.release(stale);
        actor.assert(
          lock.tryRead() === undefined,
          "a stale guard freed the next task's lock",
        );
        actor.step();
        actor.leave("the section");
        actor.release(guard);
      },
      (actor, { lock }) => write(actor, lock),
    ],
    end: isFreeToWrite,
  }),
  model<Sides>({
    name: "RWLock: a read guard of a task that is over takes back none of the next task's reads",
    setup: () => ({ lock: new RWLock() }),
    threads: [
      (actor, { lock }) => {
        const stale = lock.readSync();
        endTask();
        const guard = lock.readSync();
        actor.release(stale);
        actor.assert(
          lock.tryWrite() === undefined,
          "a stale guard took the next task's read back",
        );
        actor.release(guard);
      },
      (actor, { lock }) => write(actor, lock),
    ],
    end: isFreeToWrite,
  }),
  whileWaiting("Lock", () => {
    const lock = new Lock();
    return { condition: new Condition(lock), lock } as Conditions;
  }),
  whileWaiting("RLock", () => ({ condition: new Condition() })),
  model<{ semaphore: BoundedSemaphore }>({
    name: "BoundedSemaphore: a guard disposed of twice gives one permit",
    setup: () => ({ semaphore: new BoundedSemaphore(1) }),
    threads: times<{ semaphore: BoundedSemaphore }>(
      2,
      (actor, { semaphore }) => {
        for (let i = 0; i < 2; i++) {
          const guard = semaphore.acquireSync();
          actor.inside("the section");
          actor.release(guard);
          actor.release(guard);
        }
      },
    ),
    end: (actor, { semaphore }) =>
      actor.assert(
        semaphore.value === 1,
        `there are ${semaphore.value} permits at the end`,
      ),
  }),
];
