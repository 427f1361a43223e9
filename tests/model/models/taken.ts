import { load, store } from "../../../_internal/atomics.ts";
import { NEXT_PARTICIPANT_AT, PARTICIPANT_COUNT } from "../../../_internal/memory/memory.ts";
import { enter, entryOf, PARKED, TAKEN, UNPUT } from "../../../_internal/memory/participants.ts";
import { locate, type SharedHandle } from "../../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { reclaimParcels } from "../../../_internal/queue/taken.ts";
import { Latch } from "../../../sync/latch.ts";
import { LifoQueue, PriorityQueue } from "../../../sync/ordered_queues.ts";
import { Queue } from "../../../sync/queue.ts";
import { registerSerializable } from "../../../sync/settings.ts";
import { type Actor, type Model, model, TIMEOUT } from "../model.ts";

/** Words that nothing else uses: how many have read an item, and the id of the thread that dies. */
const READ = 104;
const MORTAL = 105;

type Objects = { queue: Queue<unknown>; latch: Latch };

/** The last part of an item. */
class Last {
  readonly is = true;
}

registerSerializable(Last, {
  name: "Last",
  serialize: () => 0,
  deserialize: () => {
    const { words } = spaceOf("thread");
    store(words, READ, load(words, READ) + 1);
    return new Last();
  },
});

/** The threads have handles of the latch already, so that receiving it adds no handle. */
const setup = (queue: Queue<unknown>): Objects => {
  const latch = new Latch(1);
  queue.putSync([latch, new Last()]);
  return { queue, latch };
};

function referencesOf(latch: Latch): number {
  return load(spaceOf("thread").words, locate(latch as SharedHandle)!.at + 1);
}

function received(actor: Actor, item: unknown): void {
  if (item !== 2) actor.count("received", 1);
}

/** Takes an item if there is one. */
function tryGet(actor: Actor, queue: Queue<unknown>): void {
  try {
    received(actor, queue.getSync({ timeout: 0 }));
  } catch (error) {
    if (!actor.gaveUp(error)) throw error;
  }
}

/** All references belong to handles, except one if a thread died while it gave a message's reference back. */
function isSettled(actor: Actor, { queue, latch }: Objects, threads: number): void {
  reclaimParcels(spaceOf("thread"));
  while (queue.size > 0) received(actor, queue.getSync());
  const references = referencesOf(latch);
  const expected = threads + 2;
  actor.assert(references >= expected, `a reference was dropped twice: ${references} are left of ${expected}`);
  const { words } = spaceOf("thread");
  // Every thread that has read it has said so, except a dead one.
  const spared = load(words, READ) > actor.count("received", 0) ? 1 : 0;
  actor.assert(references <= expected + spared, `a reference is left: there are ${references} of ${expected}`);
}

/** A queue without room. */
const fullSetup = (queue: Queue<unknown>): Objects => {
  queue.putSync(2);
  return { queue, latch: new Latch(1) };
};

/** Waits for room, notes its id before. */
function waitToPut(actor: Actor, { queue, latch }: Objects): void {
  const { words, id } = spaceOf("thread");
  store(words, MORTAL, id);
  try {
    queue.putSync([latch, new Last()], { timeout: TIMEOUT });
  } catch (error) {
    if (!actor.gaveUp(error)) throw error;
  }
}

/** As `waitToPut`, for two messages at once. */
function waitToPutTwo(actor: Actor, { queue, latch }: Objects): void {
  const { words, id } = spaceOf("thread");
  store(words, MORTAL, id);
  try {
    queue.putManySync([[latch], [latch]], { timeout: TIMEOUT });
  } catch (error) {
    if (!actor.gaveUp(error)) throw error;
  }
}

/** As `isSettled`. What a thread waited to put is given up, too, if it died in its sleep; else up to `most` messages are left. */
function isPutOrDropped(actor: Actor, { queue, latch }: Objects, threads: number, most = 1): void {
  const { words } = spaceOf("thread");
  reclaimParcels(spaceOf("thread"));
  while (queue.size > 0) received(actor, queue.getSync());
  const references = referencesOf(latch);
  const expected = threads + 2;
  actor.assert(references >= expected, `a reference was dropped twice: ${references} are left of ${expected}`);
  const mortal = load(words, MORTAL);
  const inSleep = mortal !== 0 && load(words, entryOf(mortal) + PARKED) !== 0;
  const spared = actor.isDead(0) && !inSleep ? most : 0;
  actor.assert(references <= expected + spared, `a reference is left: there are ${references} of ${expected}`);
}

/** Here the entries of the table of participants and the parcels are part of the state. */
const FAULTS = { faults: { deaths: 1 }, mortal: [0], kills: true, plain: true };

/** A thread dies, another reclaims, and a third gets the entry of the first. */
function entryModel(
  name: string,
  { setup, mortal, end }: {
    setup: () => Objects;
    mortal: (actor: Actor, objects: Objects) => void;
    end: (actor: Actor, objects: Objects) => void;
  },
): Model<Record<string, object>> {
  return model<Objects>({
    name,
    setup,
    threads: [
      mortal,
      () => reclaimParcels(spaceOf("thread")),
      (actor) => {
        const { words, memory } = spaceOf("thread");
        const id = load(words, MORTAL);
        if (id === 0) return;
        // The next id belongs to the same entry.
        store(words, NEXT_PARTICIPANT_AT, id + PARTICIPANT_COUNT - 1);
        const entry = entryOf(enter(memory, 0));
        const left = load(words, entry + TAKEN) !== 0 || load(words, entry + UNPUT) !== 0;
        actor.assert(!left, "what another thread had came with the entry");
      },
    ],
    ...FAULTS,
    end,
  });
}

const KINDS: readonly [string, () => Queue<unknown>][] = [
  ["queue", () => new Queue<unknown>()],
  ["stack", () => new LifoQueue<unknown>()],
  ["heap", () => new PriorityQueue<unknown>()],
];

const BOUNDED: readonly [string, () => Queue<unknown>][] = [
  ["queue", () => new Queue<unknown>({ maxsize: 1 })],
  ["stack", () => new LifoQueue<unknown>({ maxsize: 1 })],
  ["heap", () => new PriorityQueue<unknown>({ maxsize: 1 })],
];

/** What holds for messages that name objects when a thread dies while it takes one. */
export const models: readonly Model<Record<string, object>>[] = [
  ...KINDS.map(([kind, make]) =>
    model<Objects>({
      name: `Taken: a message of a ${kind} is its taker's, or the queue's, or given up once`,
      setup: () => setup(make()),
      threads: [
        (actor, { queue }) => {
          tryGet(actor, queue);
        },
        (actor, { queue }) => {
          reclaimParcels(spaceOf("thread"));
          tryGet(actor, queue);
        },
      ],
      ...FAULTS,
      end: (actor, objects) => isSettled(actor, objects, 2),
    })
  ),
  ...KINDS.map(([kind, make]) =>
    model<Objects>({
      name: `Taken: what comes into a ${kind} after a death in the midst of taking does not count as the taking`,
      setup: () => setup(make()),
      threads: [
        (actor, { queue }) => {
          tryGet(actor, queue);
        },
        (_actor, { queue }) => {
          queue.putSync(2);
          reclaimParcels(spaceOf("thread"));
        },
      ],
      ...FAULTS,
      end: (actor, objects) => isSettled(actor, objects, 2),
    })
  ),
  model<Objects>({
    name: "Taken: two threads that reclaim another at once, beside a thread that takes, give up once what it had taken",
    setup: () => setup(new Queue<unknown>()),
    threads: [
      (actor, { queue }) => {
        tryGet(actor, queue);
      },
      () => reclaimParcels(spaceOf("thread")),
      (actor, { queue }) => {
        tryGet(actor, queue);
        reclaimParcels(spaceOf("thread"));
      },
    ],
    ...FAULTS,
    end: (actor, objects) => isSettled(actor, objects, 3),
  }),
  entryModel("Taken: an entry is given to another thread once what the dead thread had taken is given up", {
    setup: () => setup(new Queue<unknown>()),
    mortal: (actor, { queue }) => {
      const { words, id } = spaceOf("thread");
      store(words, MORTAL, id);
      tryGet(actor, queue);
    },
    end: (actor, objects) => isSettled(actor, objects, 3),
  }),
  ...BOUNDED.map(([kind, make]) =>
    model<Objects>({
      name: `Unput: a message that waits for room in a ${kind} is its thread's, or the queue's, or given up once`,
      setup: () => fullSetup(make()),
      threads: [
        waitToPut,
        (actor, { queue }) => {
          tryGet(actor, queue);
          reclaimParcels(spaceOf("thread"));
          tryGet(actor, queue);
        },
      ],
      ...FAULTS,
      end: (actor, objects) => isPutOrDropped(actor, objects, 2),
    })
  ),
  model<Objects>({
    name: "Unput: of many messages those that wait for room are their thread's, or the queue's, or given up once",
    setup: () => fullSetup(new Queue<unknown>({ maxsize: 1 })),
    threads: [
      waitToPutTwo,
      (actor, { queue }) => {
        tryGet(actor, queue);
        reclaimParcels(spaceOf("thread"));
        tryGet(actor, queue);
      },
    ],
    ...FAULTS,
    end: (actor, objects) => isPutOrDropped(actor, objects, 2, 2),
  }),
  model<Objects>({
    name: "Unput: promises of a dead thread wait in any order, and what they have not put is given up once",
    setup: () => fullSetup(new Queue<unknown>({ maxsize: 1 })),
    threads: [
      async (actor, { queue, latch }) => {
        const puts = [
          queue.put([latch]),
          queue.put([latch], { signal: actor.signal() }),
          queue.put([latch]),
        ];
        for (const put of puts) {
          await put.catch((error) => {
            if (!actor.gaveUp(error)) throw error;
          });
        }
      },
      (actor, { queue }) => {
        tryGet(actor, queue);
        reclaimParcels(spaceOf("thread"));
        tryGet(actor, queue);
      },
    ],
    ...FAULTS,
    endless: [0],
    end: (actor, objects) => {
      // The promises that still wait have their messages.
      if (!actor.isDead(0)) return;
      const { queue, latch } = objects;
      reclaimParcels(spaceOf("thread"));
      while (queue.size > 0) received(actor, queue.getSync());
      const references = referencesOf(latch);
      actor.assert(references >= 4, `a reference was dropped twice: ${references} are left of 4`);
      // One more if it died while it packed, tried to put or dropped a message.
      actor.assert(references <= 5, `references are left: there are ${references} of 4`);
    },
  }),
  entryModel("Unput: an entry is given to another thread once what the dead thread waited to put is given up", {
    setup: () => fullSetup(new Queue<unknown>({ maxsize: 1 })),
    mortal: waitToPut,
    end: (actor, objects) => isPutOrDropped(actor, objects, 3),
  }),
];
