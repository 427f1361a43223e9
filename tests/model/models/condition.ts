import { load, store } from "../../../_internal/atomics.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";
import { block } from "../../../_internal/memory/wait_point.ts";
import {
  isNotified,
  join,
  leave,
  NODE_POINT,
  notifyFirst,
  passOnOfTheDead,
  WAIT_LIST_WORDS,
} from "../../../sync/_wait_list.ts";
import { Condition } from "../../../sync/condition.ts";
import { Lock } from "../../../sync/lock.ts";
import { type Actor, type Model, model, TIMEOUT, times } from "../model.ts";

/** A word that nothing else uses: where a list is. */
const LIST = 102;

type Conditions = { condition: Condition };

const setup = (): Conditions => {
  const lock = new Lock();
  return { condition: new Condition(lock), lock } as Conditions;
};

/** Over an `RLock` of its own. */
const setupReentrant = (): Conditions => ({ condition: new Condition() });

const isFree = (actor: Actor, { condition }: Conditions): void =>
  actor.assert(!condition.locked, "the lock is held at the end");

/** Waits until there is an item, and takes it. */
function consume(actor: Actor, condition: Condition): void {
  const guard = condition.acquireSync();
  condition.waitForSync(() => actor.count("items") > 0);
  actor.enter("the section");
  actor.count("items", -1);
  actor.count("taken", 1);
  actor.step();
  actor.leave("the section");
  actor.release(guard);
}

/** Takes an item and notifies the next waiter. */
function consumeAndPassOn(actor: Actor, condition: Condition): void {
  consume(actor, condition);
  const guard = condition.acquireSync();
  condition.notify();
  actor.release(guard);
}

async function consumeAsync(actor: Actor, condition: Condition): Promise<void> {
  const guard = await condition.acquire();
  await condition.waitFor(() => actor.count("items") > 0);
  actor.enter("the section");
  actor.count("items", -1);
  actor.count("taken", 1);
  actor.leave("the section");
  actor.release(guard);
}

function produce(actor: Actor, condition: Condition): void {
  const guard = condition.acquireSync();
  actor.enter("the section");
  actor.count("items", 1);
  actor.count("produced", 1);
  actor.leave("the section");
  condition.notify();
  actor.release(guard);
}

/** The waiters that were not notified yet, counted by the model. Each change is made under the lock. */
function waiting(actor: Actor): number[] {
  const left = actor.notes("left");
  return actor.notes("came").filter((index) => !left.includes(index));
}

function waitNoted(actor: Actor, condition: Condition, timeout?: number): void {
  const guard = condition.acquireSync();
  actor.note("came", actor.index);
  const notified = condition.waitSync(timeout === undefined ? undefined : { timeout });
  actor.note("left", actor.index);
  if (notified) actor.note("notified", actor.index);
  actor.release(guard);
}

function notifyNoted(actor: Actor, condition: Condition): void {
  const guard = condition.acquireSync();
  for (const index of waiting(actor).slice(0, 1)) actor.note("chosen", index);
  condition.notify();
  actor.release(guard);
}

/** Waits in the list until it is notified. */
function waitInList(actor: Actor, passOn: boolean): void {
  const space = spaceOf("thread");
  const list = load(space.words, LIST);
  const node = join(space, list);
  actor.count("joined", 1);
  block(space, node + NODE_POINT, () => {
    passOnOfTheDead(space, list);
    return isNotified(space, node) || undefined;
  }, Infinity);
  leave(space, list, node, passOn);
}

/** What a condition promises. */
export const models: readonly Model<Record<string, object>>[] = [
  model({
    name: "Condition: each of two consumers gets one of two items",
    setup,
    threads: [
      ...times<Conditions>(2, (actor, { condition }) => consume(actor, condition)),
      (actor, { condition }) => {
        produce(actor, condition);
        produce(actor, condition);
      },
    ],
    end: isFree,
    bound: 1,
  }),
  model({
    name: "Condition: one thread waits for a change, another makes it",
    setup,
    threads: [
      (actor, { condition }) => consume(actor, condition),
      (actor, { condition }) => produce(actor, condition),
    ],
    faults: { spurious: 1 },
    end: isFree,
  }),
  model({
    name: "Condition: one notification wakes one thread, the first, also with timeouts",
    setup,
    threads: [
      ...times<Conditions>(2, (actor, { condition }) => waitNoted(actor, condition, TIMEOUT)),
      (actor, { condition }) => notifyNoted(actor, condition),
    ],
    faults: { timeouts: 1 },
    end: (actor, objects) => {
      const [chosen, notified] = [actor.notes("chosen").join(), actor.notes("notified").join()];
      actor.assert(chosen === notified, `T${chosen} was to be notified, and T${notified} was`);
      isFree(actor, objects);
    },
    bound: 1,
  }),
  model({
    name: "Condition: notifyAll wakes all waiters",
    setup,
    threads: [
      ...times<Conditions>(2, (actor, { condition }) => {
        const guard = condition.acquireSync();
        actor.note("came", actor.index);
        while (actor.count("ready") === 0) condition.waitSync();
        actor.enter("the section");
        actor.step();
        actor.leave("the section");
        actor.release(guard);
      }),
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        actor.count("ready", 1);
        condition.notifyAll();
        actor.release(guard);
      },
    ],
    end: isFree,
  }),
  model({
    name: "Condition: a waiter that is killed leaves its notification to the next",
    setup,
    threads: [
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        if (actor.count("produced") === 0) condition.waitSync();
        actor.count("back", 1);
        condition.notify();
        actor.release(guard);
      },
      (actor, { condition }) => consumeAndPassOn(actor, condition),
      (actor, { condition }) => produce(actor, condition),
    ],
    faults: { deaths: 1 },
    mortal: [0],
    endless: [1],
    end: (actor, { condition }) =>
      actor.assert(
        // A waiter that has the lock back has used its notification.
        actor.count("taken") === 1 || actor.deaths > 0 && (actor.count("back") === 1 || condition.locked),
        "the notification was lost with the waiter that died before it had the lock back",
      ),
    bound: 1,
  }),
  model({
    name: "Condition: an abort leaves the notification to the next",
    setup,
    threads: [
      async (actor, { condition }) => {
        const guard = await condition.acquire();
        try {
          if (actor.count("produced") === 0) await condition.wait({ signal: actor.signal() });
          condition.notify();
        } catch (error) {
          if (!actor.gaveUp(error)) throw error;
          actor.assert(condition.locked, "the lock is not held after an abort");
        }
        actor.release(guard);
      },
      (actor, { condition }) => consumeAndPassOn(actor, condition),
      (actor, { condition }) => produce(actor, condition),
    ],
    end: isFree,
    bound: 1,
  }),
  model({
    name: "Condition: a waiter that dies while it passes its notification on loses none",
    setup: () => {
      const { words } = spaceOf("thread");
      store(words, LIST, spaceOf("thread").allocate(WAIT_LIST_WORDS, "make list"));
      return {};
    },
    threads: [
      (actor) => void waitInList(actor, true),
      (actor) => {
        waitInList(actor, false);
        actor.count("notified", 1);
      },
      (actor) => {
        const space = spaceOf("thread");
        if (actor.count("joined") < 2) return;
        actor.count("given", 1);
        notifyFirst(space, load(space.words, LIST), 1);
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    endless: [0, 1],
    end: (actor) =>
      actor.assert(actor.count("notified") === actor.count("given"), "the notification was lost with the dead waiter"),
  }),
  model({
    name: "Condition: promises of one thread, notified one by one",
    setup,
    threads: [
      async (actor, { condition }) => {
        await Promise.all([consumeAsync(actor, condition), consumeAsync(actor, condition)]);
      },
      (actor, { condition }) => {
        produce(actor, condition);
        produce(actor, condition);
      },
    ],
    end: isFree,
  }),
  model({
    name: "Condition: a wait gives up all levels of an RLock, and takes them back",
    setup: setupReentrant,
    threads: [
      (actor, { condition }) => {
        const outer = condition.acquireSync();
        const inner = condition.acquireSync();
        while (actor.count("ready") === 0) condition.waitSync();
        actor.enter("the section");
        actor.release(inner);
        actor.step();
        actor.assert(condition.locked, "a level was lost");
        actor.leave("the section");
        actor.release(outer);
      },
      (actor, { condition }) => {
        const outer = condition.acquireSync();
        const inner = condition.acquireSync();
        actor.enter("the section");
        actor.count("ready", 1);
        condition.notify();
        actor.release(inner);
        actor.step();
        actor.leave("the section");
        actor.release(outer);
      },
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        actor.inside("the section");
        actor.release(guard);
      },
    ],
    end: isFree,
  }),
  model({
    name: "Condition: a death in a wait leaves the list whole",
    setup,
    threads: [
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        condition.waitSync({ timeout: TIMEOUT });
        actor.release(guard);
      },
      (actor, { condition }) => consume(actor, condition),
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        actor.count("items", 1);
        condition.notifyAll();
        actor.release(guard);
      },
    ],
    faults: { deaths: 1, timeouts: 1, slices: 1 },
    mortal: [0],
    bound: 1,
  }),
  model({
    name: "Condition: a thread that waits after a death in a wait is in the list",
    setup,
    threads: times<Conditions>(2, (actor, { condition }) => {
      const guard = condition.acquireSync();
      condition.waitSync({ timeout: TIMEOUT });
      actor.release(guard);
    }),
    faults: { deaths: 1, timeouts: 1 },
    mortal: [0],
  }),
  model({
    name: "Condition: the death of any thread at any moment stops no other thread",
    setup,
    threads: [
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        condition.waitSync({ timeout: TIMEOUT });
        actor.release(guard);
      },
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        condition.notify();
        actor.release(guard);
      },
      (actor, { condition }) => {
        const guard = condition.acquireSync();
        condition.waitSync({ timeout: TIMEOUT });
        actor.release(guard);
      },
    ],
    faults: { deaths: 1 },
    bound: 1,
  }),
];
