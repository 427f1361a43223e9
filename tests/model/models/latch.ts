import { Latch } from "../../../sync/latch.ts";
import { type Model, model, TIMEOUT } from "../model.ts";

type Latches = { latch: Latch };

const setup = (count: number) => (): Latches => ({ latch: new Latch(count) });

/** What a latch promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Latch: two count, two wait",
    setup: setup(2),
    threads: [
      (actor, { latch }) => {
        actor.count("counted", 1);
        latch.countDown();
      },
      (actor, { latch }) => {
        actor.count("counted", 1);
        latch.countDown();
      },
      (actor, { latch }) => {
        actor.assert(latch.waitSync(), "waitSync returned false without a timeout");
        actor.assert(actor.count("counted") === 2, "a wait passed before all had counted");
      },
      async (actor, { latch }) => {
        actor.assert(await latch.wait(), "wait returned false without a timeout");
        actor.assert(actor.count("counted") === 2, "a wait passed before all had counted");
      },
    ],
    end: (actor, { latch }) => actor.assert(latch.count === 0, `${latch.count} is left`),
  }),
  model({
    name: "Latch: counts of three threads, more than there are",
    setup: setup(4),
    threads: [
      (_actor, { latch }) => latch.countDown(2),
      (_actor, { latch }) => {
        latch.countDown();
        latch.countDown(3);
      },
      (actor, { latch }) => {
        actor.assert(latch.waitSync(), "waitSync returned false without a timeout");
        actor.assert(latch.count === 0, "the latch opened and closed again");
      },
    ],
  }),
  model({
    name: "Latch: all waiters pass, though some have a timeout",
    setup: setup(1),
    threads: [
      (actor, { latch }) => {
        if (latch.waitSync({ timeout: TIMEOUT })) actor.assert(latch.count === 0, "a wait passed early");
      },
      (_actor, { latch }) => void latch.waitSync(),
      async (actor, { latch }) => {
        try {
          await latch.wait({ signal: actor.signal() });
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
        }
      },
      (_actor, { latch }) => latch.countDown(),
    ],
    faults: { timeouts: 1, spurious: 1 },
  }),
  model({
    name: "Latch: a thread that dies before it counts leaves its count open",
    setup: setup(2),
    threads: [
      (_actor, { latch }) => latch.countDown(),
      (_actor, { latch }) => latch.countDown(),
      (actor, { latch }) => {
        const passed = latch.waitSync({ timeout: TIMEOUT });
        actor.assert(passed === (latch.count === 0) || latch.count === 0, "a wait passed early");
        actor.assert(passed || actor.deaths > 0, "the wait did not pass");
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
  }),
];
