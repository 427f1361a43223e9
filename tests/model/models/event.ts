import { Event } from "../../../sync/event.ts";
import { type Model, model, TIMEOUT } from "../model.ts";

const setup = (): { event: Event } => ({ event: new Event() });

/** What an event promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Event: all waiters pass",
    setup,
    threads: [
      (actor, { event }) => actor.assert(event.waitSync(), "waitSync returned false without a timeout"),
      (actor, { event }) => actor.assert(event.waitSync(), "waitSync returned false without a timeout"),
      (_actor, { event }) => event.set(),
    ],
  }),
  model({
    name: "Event: set and clear lets the waiters pass",
    setup,
    threads: [
      (actor, { event }) => {
        actor.count("waits", 1);
        event.waitSync();
      },
      async (actor, { event }) => {
        const waiting = event.wait();
        actor.count("waits", 1);
        await waiting;
      },
      (_actor, { event }) => {
        event.set();
        event.clear();
        event.set();
      },
    ],
  }),
  model({
    name: "Event: set and clear, with both waiting before",
    setup,
    threads: [
      async (actor, { event }) => {
        const waiting = event.wait();
        actor.count("waiting", 1);
        await waiting;
      },
      (actor, { event }) => {
        // Only threads that waited when set() was called must pass.
        if (actor.count("waiting") === 0) {
          event.set();
          return;
        }
        event.set();
        event.clear();
      },
    ],
  }),
  model({
    name: "Event: what was written before set is there after wait",
    setup,
    threads: [
      async (actor, { event }) => {
        await event.wait();
        actor.assert(actor.count("written") === 1, "the wait passed before the write");
      },
      (actor, { event }) => {
        event.waitSync();
        actor.assert(actor.count("written") === 1, "the wait passed before the write");
      },
      (actor, { event }) => {
        actor.step();
        actor.count("written", 1);
        event.set();
      },
    ],
  }),
  model({
    name: "Event: timeouts and aborts against set",
    setup,
    threads: [
      async (actor, { event }) => {
        try {
          await event.wait({ signal: actor.signal() });
          actor.assert(event.isSet, "the wait passed and the event is not set");
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
        // Nothing is left of the first wait.
        actor.assert(await event.wait(), "the second wait failed");
      },
      (actor, { event }) => {
        if (event.waitSync({ timeout: TIMEOUT })) actor.assert(event.isSet, "the wait passed and the event is not set");
      },
      (_actor, { event }) => event.set(),
    ],
    faults: { timeouts: 1 },
  }),
  model({
    name: "Event: two promises of one thread, and sleeps that end for no reason",
    setup,
    threads: [
      async (actor, { event }) => {
        const both = await Promise.all([event.wait(), event.wait({ timeout: TIMEOUT })]);
        actor.assert(both[0], "a wait without a timeout returned false");
      },
      (actor, { event }) => actor.assert(event.waitSync(), "waitSync returned false without a timeout"),
      (_actor, { event }) => event.set(),
    ],
    faults: { spurious: 1, timeouts: 1 },
  }),
  model({
    name: "Event: a waiter that dies takes no other waiter's wake-up",
    setup,
    threads: [
      (_actor, { event }) => void event.waitSync(),
      (_actor, { event }) => void event.waitSync(),
      (_actor, { event }) => event.set(),
    ],
    faults: { deaths: 1 },
    mortal: [0],
  }),
  model({
    name: "Event: promises of two threads that share a bell",
    setup,
    threads: [
      async (actor, { event }) => actor.assert(await event.wait(), "a wait without a timeout returned false"),
      async (actor, { event }) => actor.assert(await event.wait(), "a wait without a timeout returned false"),
      (_actor, { event }) => event.set(),
    ],
    scale: [{ file: "_internal/memory/memory.ts", find: /BELL_COUNT = \d+;/, replace: "BELL_COUNT = 1;" }],
  }),
];
