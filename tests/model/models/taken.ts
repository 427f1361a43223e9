import { load, store } from "../../../_internal/atomics.ts";
import { NEXT_PARTICIPANT_AT, PARTICIPANT_COUNT } from "../../../_internal/memory/memory.ts";
import { enter, entryOf, TAKEN } from "../../../_internal/memory/participants.ts";
import { locate, type SharedHandle } from "../../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { reclaimTaken } from "../../../_internal/queue/taken.ts";
import { Latch } from "../../../sync/latch.ts";
import { LifoQueue, PriorityQueue } from "../../../sync/ordered_queues.ts";
import { Queue } from "../../../sync/queue.ts";
import { registerSerializable } from "../../../sync/settings.ts";
import { type Actor, type Model, model } from "../model.ts";

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
  reclaimTaken(spaceOf("thread"));
  while (queue.size > 0) received(actor, queue.getSync());
  const references = referencesOf(latch);
  const expected = threads + 2;
  actor.assert(references >= expected, `a reference was dropped twice: ${references} are left of ${expected}`);
  const { words } = spaceOf("thread");
  // Every thread that has read it has said so, except a dead one.
  const spared = load(words, READ) > actor.count("received", 0) ? 1 : 0;
  actor.assert(references <= expected + spared, `a reference is left: there are ${references} of ${expected}`);
}

/** Here the entries of the table of participants and the parcels are part of the state. */
const FAULTS = { faults: { deaths: 1 }, mortal: [0], kills: true, plain: true };

const KINDS: readonly [string, () => Queue<unknown>][] = [
  ["queue", () => new Queue<unknown>()],
  ["stack", () => new LifoQueue<unknown>()],
  ["heap", () => new PriorityQueue<unknown>()],
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
          reclaimTaken(spaceOf("thread"));
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
          reclaimTaken(spaceOf("thread"));
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
      () => reclaimTaken(spaceOf("thread")),
      (actor, { queue }) => {
        tryGet(actor, queue);
        reclaimTaken(spaceOf("thread"));
      },
    ],
    ...FAULTS,
    end: (actor, objects) => isSettled(actor, objects, 3),
  }),
  model<Objects>({
    name: "Taken: an entry is given to another thread once what the dead thread had taken is given up",
    setup: () => setup(new Queue<unknown>()),
    threads: [
      (actor, { queue }) => {
        const { words, id } = spaceOf("thread");
        store(words, MORTAL, id);
        tryGet(actor, queue);
      },
      () => reclaimTaken(spaceOf("thread")),
      (actor) => {
        const { words, memory } = spaceOf("thread");
        const mortal = load(words, MORTAL);
        if (mortal === 0) return;
        // The next id belongs to the same entry.
        store(words, NEXT_PARTICIPANT_AT, mortal + PARTICIPANT_COUNT - 1);
        const entry = entryOf(enter(memory, 0));
        actor.assert(load(words, entry + TAKEN) === 0, "what another had taken came with the entry");
      },
    ],
    ...FAULTS,
    end: (actor, objects) => isSettled(actor, objects, 3),
  }),
];
