import { Event } from "../../../sync/event.ts";
import { Lock } from "../../../sync/lock.ts";
import { Queue } from "../../../sync/queue.ts";
import { Semaphore } from "../../../sync/semaphore.ts";
import { waitAny, waitAnySync } from "../../../sync/wait_any.ts";
import { type Model, model, TIMEOUT } from "../model.ts";

type Things = { event: Event; semaphore: Semaphore };

const setup = (): Things => ({ event: new Event(), semaphore: new Semaphore(0) });

/** What a wait for one of several objects promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "waitAny: a blocked thread, whichever object becomes ready",
    setup,
    threads: [
      (actor, { event, semaphore }) => {
        const index = waitAnySync([event, semaphore]);
        actor.assert(index === 0 ? event.isSet : semaphore.value > 0, `${index} is not ready`);
      },
      (_actor, { semaphore }) => semaphore.release(),
      (_actor, { event }) => event.set(),
    ],
    faults: { spurious: 1 },
  }),
  model({
    name: "waitAny: it takes nothing, and no other waiter's wake-up",
    setup,
    threads: [
      async (actor, { event, semaphore }) => {
        const index = await waitAny([event, semaphore]);
        actor.assert(index !== undefined, "it returned undefined without a timeout");
      },
      (_actor, { semaphore }) => void semaphore.acquireSync(),
      (actor, { event, semaphore }) => {
        semaphore.release();
        actor.step();
        event.set();
      },
    ],
    end: (actor, { semaphore }) => actor.assert(semaphore.value === 0, `${semaphore.value} permits are left`),
  }),
  model({
    name: "waitAny: a lock whose holder dies, and a queue",
    setup: () => ({ lock: new Lock(), queue: new Queue<number>() }),
    threads: [
      (actor, { lock, queue }) => {
        const index = waitAnySync([lock, queue]);
        if (index === 1) actor.assert(queue.tryGet() === 1, "the queue is empty");
        else actor.assert(index === 0, `it returned ${index}`);
      },
      (actor, { lock, queue }) => {
        const guard = lock.acquireSync();
        queue.putSync(1);
        actor.release(guard);
      },
    ],
    faults: { deaths: 1 },
    mortal: [1],
  }),
  model({
    name: "waitAny: a timeout and an abort leave nothing",
    setup,
    threads: [
      (actor, { event, semaphore }) => {
        const index = waitAnySync([semaphore, event], { timeout: TIMEOUT });
        actor.assert(index !== 0, "the semaphore has no permit");
        if (index === 1) actor.assert(event.isSet, "the event is not set");
        event.waitSync();
      },
      async (_actor, { event, semaphore }) => {
        await waitAny([event, semaphore]);
        await event.wait();
      },
      (_actor, { event }) => event.set(),
    ],
    faults: { timeouts: 1 },
  }),
];
