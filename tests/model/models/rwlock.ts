import { locate } from "../../../_internal/memory/shared_object.ts";
import { firstLine, OBJECT_HEADER } from "../../../_internal/memory/memory.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import type { Guard } from "../../../sync/guard.ts";
import { RWLock } from "../../../sync/rwlock.ts";
import { type Actor, type Model, model, TIMEOUT, times } from "../model.ts";

type Locks = { lock: RWLock };

const setup = (): Locks => ({ lock: new RWLock() });

/** Waiters keep the other side off after they were overtaken once. */
const IMPATIENT = [{
  file: "_internal/memory/wait_point.ts",
  find: /WOKEN_IN_VAIN = \d+;/,
  replace: "WOKEN_IN_VAIN = 1;",
}];

function reading(actor: Actor): void {
  actor.assert(actor.count("writers") === 0, "a thread reads while another writes");
  actor.count("readers", 1);
}

function writing(actor: Actor): void {
  actor.assert(actor.count("readers") === 0 && actor.count("writers") === 0, "a thread writes while another is inside");
  actor.count("writers", 1);
}

function read(actor: Actor, lock: RWLock): void {
  const guard = lock.readSync();
  reading(actor);
  actor.step();
  actor.count("readers", -1);
  actor.release(guard);
}

function readAgain(actor: Actor, lock: RWLock, again: () => Guard | undefined): void {
  const outer = lock.readSync();
  reading(actor);
  const inner = again();
  actor.assert(inner !== undefined, "a thread that reads could not read again");
  if (inner !== undefined) actor.release(inner);
  actor.count("readers", -1);
  actor.release(outer);
}

function write(actor: Actor, lock: RWLock): void {
  const guard = lock.writeSync();
  writing(actor);
  actor.step();
  actor.count("writers", -1);
  actor.release(guard);
}

/** A death inside would leave the counts as they are; sections forget dead threads. */
function readSection(actor: Actor, lock: RWLock): void {
  const guard = lock.readSync();
  actor.assert(!guard.abandoned || actor.deaths > 0, "abandoned, but no thread died");
  actor.enter("reading", 9);
  actor.step();
  actor.leave("reading");
  actor.release(guard);
}

function writeSection(actor: Actor, lock: RWLock): void {
  const guard = lock.writeSync();
  actor.assert(!guard.abandoned || actor.deaths > 0, "abandoned, but no thread died");
  actor.enter("writing");
  // A reader beside the writer would be a second thread there.
  actor.enter("reading");
  actor.step();
  actor.leave("reading");
  actor.leave("writing");
  actor.release(guard);
}

const isFree = (actor: Actor, { lock }: Locks): void => {
  if (actor.deaths === 0) {
    const word = spaceOf("thread").words[firstLine(locate(lock)!.at + OBJECT_HEADER)];
    actor.assert(word === 0, `the lock is held, or a side is kept off, at the end: its word is ${word}`);
  }
  const guard = lock.tryWrite();
  actor.assert(guard !== undefined, "no thread can write at the end");
  if (guard !== undefined) actor.release(guard);
  actor.assert(lock.tryRead() !== undefined, "no thread can read at the end");
};

/** What a lock of readers and writers promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "RWLock: two readers and a writer",
    setup,
    threads: [
      (actor, { lock }) => read(actor, lock),
      (actor, { lock }) => read(actor, lock),
      (actor, { lock }) => write(actor, lock),
    ],
    end: isFree,
  }),
  model({
    name: "RWLock: two writers and a reader",
    setup,
    threads: [
      (actor, { lock }) => write(actor, lock),
      (actor, { lock }) => write(actor, lock),
      (actor, { lock }) => read(actor, lock),
    ],
    end: isFree,
  }),
  model({
    name: "RWLock: a reader and a writer, again and again",
    setup,
    threads: [
      (actor, { lock }) => {
        for (let i = 0; i < 3; i++) read(actor, lock);
      },
      (actor, { lock }) => {
        for (let i = 0; i < 3; i++) write(actor, lock);
      },
    ],
    end: isFree,
  }),
  model({
    name: "RWLock: a reader may read again, though a writer waits",
    setup,
    threads: [
      (actor, { lock }) =>
        readAgain(actor, lock, () => {
          const inner = lock.readSync();
          actor.step();
          return inner;
        }),
      (actor, { lock }) => write(actor, lock),
      (actor, { lock }) => read(actor, lock),
    ],
    end: isFree,
  }),
  model({
    name: "RWLock: a reader may try to read again, though a writer comes",
    setup,
    threads: [
      (actor, { lock }) => readAgain(actor, lock, () => lock.tryRead()),
      (actor, { lock }) => write(actor, lock),
    ],
    end: isFree,
    bound: 3,
  }),
  model({
    name: "RWLock: promises and blocked threads",
    setup,
    threads: [
      async (actor, { lock }) => {
        const guard = await lock.read();
        reading(actor);
        await Promise.resolve();
        actor.count("readers", -1);
        actor.release(guard);
      },
      async (actor, { lock }) => {
        const guard = await lock.write();
        writing(actor);
        await Promise.resolve();
        actor.count("writers", -1);
        actor.release(guard);
      },
      (actor, { lock }) => write(actor, lock),
    ],
    end: isFree,
  }),
  model({
    name: "RWLock: a writer that gives up lets the readers in",
    setup,
    threads: [
      (actor, { lock }) => read(actor, lock),
      (actor, { lock }) => {
        try {
          const guard = lock.writeSync({ timeout: TIMEOUT });
          writing(actor);
          actor.step();
          actor.count("writers", -1);
          actor.release(guard);
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      (actor, { lock }) => read(actor, lock),
    ],
    faults: { timeouts: 1 },
    end: isFree,
  }),
  model({
    name: "RWLock: aborted promises of either side leave nothing",
    setup,
    threads: [
      async (actor, { lock }) => {
        try {
          const guard = await lock.write({ signal: actor.signal() });
          writing(actor);
          actor.count("writers", -1);
          actor.release(guard);
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      async (actor, { lock }) => {
        try {
          const guard = await lock.read({ signal: actor.signal() });
          reading(actor);
          actor.count("readers", -1);
          actor.release(guard);
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      (actor, { lock }) => write(actor, lock),
    ],
    end: isFree,
    bound: 1,
  }),
  model({
    name: "RWLock: a death on either side stops no other thread",
    setup,
    threads: [
      (actor, { lock }) => readSection(actor, lock),
      (actor, { lock }) => writeSection(actor, lock),
      (actor, { lock }) => readSection(actor, lock),
    ],
    faults: { deaths: 1 },
    bound: 1,
  }),
  model({
    name: "RWLock: after a writer's death, acquisitions are abandoned up to the next writer's",
    setup,
    threads: [
      (actor, { lock }) => {
        const guard = lock.writeSync();
        actor.count("inside", 1);
        actor.step();
        actor.count("inside", -1);
        actor.release(guard);
      },
      (actor, { lock }) => {
        for (let i = 0; i < 2; i++) {
          const guard = lock.writeSync();
          if (guard.abandoned) actor.count("told", 1);
          // A death in the release counts, too.
          actor.assert(
            actor.count("inside") <= actor.count("told") || !actor.isDead(0),
            "the writer died inside, and no acquisition was abandoned",
          );
          actor.release(guard);
        }
        actor.assert(actor.count("told") <= actor.deaths, "abandoned again after the next write");
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: isFree,
  }),
  model({
    name: "RWLock: overtaken writers and readers get their turn",
    setup,
    scale: IMPATIENT,
    threads: [
      (actor, { lock }) => {
        write(actor, lock);
        write(actor, lock);
      },
      (actor, { lock }) => write(actor, lock),
      (actor, { lock }) => read(actor, lock),
    ],
    end: isFree,
  }),
  model({
    name: "RWLock: tries that fail leave nothing",
    setup,
    threads: times<Locks>(3, (actor, { lock }) => {
      if (actor.index === 0) {
        const guard = lock.tryWrite();
        if (guard === undefined) return;
        writing(actor);
        actor.step();
        actor.count("writers", -1);
        actor.release(guard);
      } else {
        const guard = lock.tryRead();
        if (guard === undefined) return;
        reading(actor);
        actor.step();
        actor.count("readers", -1);
        actor.release(guard);
      }
    }),
    end: isFree,
  }),
];
