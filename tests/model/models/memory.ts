import { load, store } from "../../../_internal/atomics.ts";
import { HEAP_AT, TOP_AT, USED_AT } from "../../../_internal/memory/memory.ts";
import { enter, kill, lockMutex, unlockMutex } from "../../../_internal/memory/participants.ts";
import { openOrCreate, spaceOf } from "../../../_internal/memory/space.ts";
import { Event } from "../../../sync/event.ts";
import { Lock } from "../../../sync/lock.ts";
import { type Actor, type Model, model, times } from "../model.ts";

/** A word that nothing else uses. */
const MUTEX = 100;

/** Without the fast path, on which a thread that was asked to end takes the lock before it ends. */
const SLOWLY = { timeout: Infinity };

/** Room for six small blocks. */
const SMALL = 48;
const SMALL_HEAP = [{
  file: "_internal/memory/memory.ts",
  find: "Math.floor((growable ? maxByteLength : buffer.byteLength) / 4)",
  replace: `HEAP_AT + ${SMALL}`,
}];

const nothing = (): Record<string, object> => ({});

/** Fails if a block overlaps a block of a living thread. */
function take(actor: Actor, words: number): number {
  const space = spaceOf("thread");
  const at = space.tryAllocate(words, true);
  actor.assert(at !== 0, "there was no room");
  for (let i = 0; i < words; i++) actor.assert(space.words[at + i] === 0, "a block was not zeroed");
  for (const other of actor.notes("taken")) actor.assert(other !== at, `block ${at} was given out twice`);
  actor.note("taken", at);
  store(space.words, at, actor.index + 1);
  return at;
}

/** What is below all primitives: mutex, allocator, names, participants. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Mutex: three threads exclude each other",
    setup: nothing,
    threads: times(3, (actor) => {
      const { memory, id } = spaceOf("thread");
      const died = lockMutex(memory, MUTEX, id);
      actor.assert(!died, "it reports that the holder died");
      actor.inside("the section");
      unlockMutex(memory, MUTEX);
    }),
  }),
  model({
    name: "Mutex: two threads, twice",
    setup: nothing,
    threads: times(2, (actor) => {
      const { memory, id } = spaceOf("thread");
      for (let i = 0; i < 2; i++) {
        lockMutex(memory, MUTEX, id);
        actor.inside("the section");
        unlockMutex(memory, MUTEX);
      }
    }),
    faults: { spurious: 1, slices: 1 },
  }),
  model({
    name: "Mutex: the next holder learns that the last one died",
    setup: nothing,
    threads: times(3, (actor) => {
      const { memory, id } = spaceOf("thread");
      const died = lockMutex(memory, MUTEX, id);
      actor.assert(!died || actor.deaths > 0, "it reports that the holder died");
      actor.inside("the section");
      unlockMutex(memory, MUTEX);
    }),
    faults: { deaths: 1 },
  }),
  model({
    name: "Allocator: no block has two owners",
    setup: nothing,
    plain: true,
    threads: times(2, (actor) => {
      const space = spaceOf("thread");
      const mine = take(actor, 6);
      if (actor.index === 0) take(actor, 6);
      actor.assert(load(space.words, mine) === actor.index + 1, "another thread wrote into the block");
    }),
  }),
  model({
    name: "Allocator: freed blocks are given out again, once",
    setup: nothing,
    plain: true,
    threads: times(2, (actor) => {
      const space = spaceOf("thread");
      for (let i = 0; i < 2; i++) {
        const at = space.tryAllocate(6, true);
        actor.enter(`block ${at}`);
        for (let i = 0; i < 6; i++) actor.assert(space.words[at + i] === 0, "a block was not zeroed");
        store(space.words, at + 5, 1);
        actor.leave(`block ${at}`);
        space.free(at);
      }
    }),
    end: (actor) => {
      const { words } = spaceOf("thread");
      actor.assert(load(words, TOP_AT) - HEAP_AT <= 16, "more was taken from the heap than two threads need at a time");
    },
  }),
  model({
    name: "Allocator: a death in the middle leaks at most a block",
    setup: nothing,
    plain: true,
    threads: times(2, () => {
      const space = spaceOf("thread");
      const first = space.tryAllocate(6, false);
      const second = space.tryAllocate(6, false);
      space.free(first);
      space.free(second);
    }),
    faults: { deaths: 1 },
    end: (actor) => {
      const space = spaceOf("thread");
      const blocks = new Set<number>();
      for (let i = 0; i < 5; i++) {
        const at = space.tryAllocate(6, true);
        actor.assert(at !== 0 && !blocks.has(at), "a block is in the free list twice");
        blocks.add(at);
      }
    },
  }),
  model({
    name: "Allocator: what a thread gives back while it dies is not given to two threads",
    setup: () => {
      const space = spaceOf("thread");
      const blocks = [space.tryAllocate(6, false), space.tryAllocate(6, false)];
      for (const at of blocks) space.free(at);
      return {};
    },
    plain: true,
    threads: [
      () => {
        const space = spaceOf("thread");
        space.free(space.tryAllocate(6, false));
      },
      (actor) => {
        for (let i = 0; i < 3; i++) take(actor, 6);
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
  }),
  model({
    name: "Allocator: blocks that are cut and joined by a thread that dies never have two owners",
    setup: () => {
      const space = spaceOf("thread");
      const blocks = Array.from({ length: 6 }, () => space.tryAllocate(6, false));
      for (const at of blocks) space.free(at);
      return {};
    },
    plain: true,
    scale: SMALL_HEAP,
    threads: [
      (actor) => {
        const space = spaceOf("thread");
        // Some blocks are joined for this, unless the other thread has the block between them. The next allocation cuts the result.
        const large = space.tryAllocate(25, false);
        actor.assert(large !== 0 || actor.notes("taken").length > 0, "free blocks were not joined");
        if (large !== 0) space.free(large);
        space.free(space.tryAllocate(14, false));
      },
      (actor) => {
        take(actor, 6);
        take(actor, 6);
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    end: (actor) => {
      const space = spaceOf("thread");
      const taken = [...actor.notes("taken")];
      for (let at; (at = space.tryAllocate(6, true)) !== 0;) {
        actor.assert(!taken.includes(at), `block ${at} was given out twice`);
        taken.push(at);
      }
      const { words } = space;
      actor.assert(words[USED_AT] <= SMALL, "more words are in use than there are");
      // What the dead thread held may be lost. 27 words were wanted and 28 taken, so one block is larger.
      const most = actor.deaths > 0 ? 2 : 5;
      actor.assert(taken.length >= most, "blocks were lost");
    },
  }),
  model({
    name: "Names: two creators get one object",
    setup: nothing,
    plain: true,
    threads: times(2, (actor) => {
      const space = spaceOf("thread");
      const { at, created } = openOrCreate(space, "name", () => space.allocate(4, "create"));
      actor.note("at", at);
      if (created) actor.count("created", 1);
    }),
    end: (actor) => {
      const [first, second] = actor.notes("at");
      actor.assert(first === second, "two objects have one name");
      actor.assert(actor.count("created") === 1, "the object was created twice");
    },
  }),
  model({
    name: "Names: a creator that dies leaves the name usable",
    setup: () => {
      openOrCreate(spaceOf("thread"), "older", () => spaceOf("thread").allocate(4, "create"));
      return {};
    },
    plain: true,
    threads: times(2, (actor) => {
      const space = spaceOf("thread");
      const { at } = openOrCreate(space, "name", () => {
        const at = space.allocate(4, "create");
        store(space.words, at, 7);
        return at;
      });
      actor.assert(load(space.words, at) === 7, "the object is not finished");
      actor.note("at", at);
    }),
    faults: { deaths: 1 },
    end: (actor) => {
      const known = actor.notes("at");
      const space = spaceOf("thread");
      const { at, created } = openOrCreate(space, "name", () => space.allocate(4, "create"));
      const older = openOrCreate(space, "older", () => space.allocate(4, "create"));
      actor.assert(!older.created, "an older name was lost");
      actor.assert(
        known.length === 0 || (known.every((each) => each === at) && !created),
        "the name became another object's",
      );
    },
  }),
  model({
    name: "Participants: no two threads get the same id",
    setup: nothing,
    kills: true,
    threads: times(2, (actor) => {
      const { memory } = spaceOf("thread");
      for (let i = 0; i < 2; i++) {
        const id = enter(memory, actor.index + 1);
        actor.assert(!actor.notes("id").includes(id), "an id was given twice");
        actor.note("id", id);
      }
    }),
  }),
  model({
    name: "Terminate: a thread asleep ends, and passes its wake-up on",
    setup: () => ({ lock: new Lock() }),
    kills: true,
    threads: [
      (actor, { lock }) => {
        const guard = lock.acquireSync(SLOWLY);
        actor.inside("the section");
        actor.release(guard);
      },
      (actor, { lock }) => {
        const guard = lock.acquireSync(SLOWLY);
        actor.inside("the section");
        actor.release(guard);
      },
      (actor, { lock }) => {
        const guard = lock.acquireSync(SLOWLY);
        kill(spaceOf("thread").memory, spaceOf("thread").id - 2);
        actor.inside("the section");
        actor.release(guard);
      },
    ],
    end: (actor, { lock }) => actor.assert(lock.tryAcquire() !== undefined, "the lock cannot be had at the end"),
  }),
  model({
    name: "Terminate: a thread that waits for an event ends",
    setup: () => ({ event: new Event() }),
    kills: true,
    threads: [
      (actor, { event }) => {
        event.waitSync();
        actor.assert(false, "the wait passed");
      },
      () => kill(spaceOf("thread").memory, spaceOf("thread").id - 1),
    ],
  }),
  model({
    name: "Terminate: a thread with promises ends",
    setup: () => ({ event: new Event(), other: new Event() }),
    kills: true,
    threads: [
      async (actor, { event }) => {
        await event.wait();
        actor.note("passed", 1);
      },
      (_actor, { event }) => {
        kill(spaceOf("thread").memory, spaceOf("thread").id - 1);
        event.set();
      },
    ],
  }),
];
