import { LifoQueue, PriorityQueue } from "../../../sync/ordered_queues.ts";
import { Queue } from "../../../sync/queue.ts";
import { type Actor, type Model, model, TIMEOUT, times } from "../model.ts";

type Queues = { queue: Queue<number> };

const setup = (): Queues => ({ queue: new Queue<number>() });
const bounded = (): Queues => ({ queue: new Queue<number>({ maxsize: 1 }) });

/** Waiters bar their side after they were overtaken once, so that few steps show what follows. */
const IMPATIENT = [{
  file: "_internal/memory/wait_point.ts",
  find: /WOKEN_IN_VAIN = \d+;/,
  replace: "WOKEN_IN_VAIN = 1;",
}];

const CLOSED = "closed";
const GAVE_UP = "gave up";

/** In a priority queue items are their own priorities: their tens. */
function ranked(queue: Queue<number>, item: number): { priority?: number; timeout?: number } | undefined {
  return queue instanceof PriorityQueue ? { priority: Math.floor(item / 10) } : undefined;
}

/** Makes a call and puts its result into the history. */
function put(actor: Actor, queue: Queue<number>, item: number, timeout?: number): void {
  const call = actor.begin("put", item);
  try {
    queue.putSync(item, timeout === undefined ? ranked(queue, item) : { timeout });
    actor.finish(call, true);
  } catch (error) {
    actor.finish(call, failure(actor, error));
  }
}

function get(actor: Actor, queue: Queue<number>, timeout?: number): number | undefined {
  const call = actor.begin("get");
  try {
    const item = queue.getSync(timeout === undefined ? undefined : { timeout });
    actor.finish(call, item);
    return item;
  } catch (error) {
    actor.finish(call, failure(actor, error));
  }
}

async function getAsync(
  actor: Actor,
  queue: Queue<number>,
  options?: { signal?: AbortSignal; timeout?: number },
): Promise<void> {
  const call = actor.begin("get");
  try {
    const item = await queue.get(options);
    actor.finish(call, item);
  } catch (error) {
    actor.finish(call, failure(actor, error));
  }
}

async function putAsync(
  actor: Actor,
  queue: Queue<number>,
  item: number,
  options?: { signal?: AbortSignal; timeout?: number },
): Promise<void> {
  const call = actor.begin("put", item);
  try {
    await queue.put(item, options);
    actor.finish(call, true);
  } catch (error) {
    actor.finish(call, failure(actor, error));
  }
}

function tryPut(actor: Actor, queue: Queue<number>, item: number): void {
  const call = actor.begin("tryPut", item);
  try {
    const done = queue instanceof PriorityQueue ? queue.tryPut(item, ranked(queue, item)) : queue.tryPut(item);
    actor.finish(call, done);
  } catch (error) {
    actor.finish(call, failure(actor, error));
  }
}

function tryGet(actor: Actor, queue: Queue<number>): void {
  const call = actor.begin("tryGet");
  try {
    const item = queue.tryGet();
    actor.finish(call, item);
  } catch (error) {
    actor.finish(call, failure(actor, error));
  }
}

function shutdown(actor: Actor, queue: Queue<number>, immediate: boolean): void {
  const call = actor.begin(immediate ? "shutdownAtOnce" : "shutdown");
  queue.shutdown({ immediate });
  actor.finish(call, true);
}

function failure(actor: Actor, error: unknown): string {
  if (error instanceof Error && error.name === "QueueShutDownError") return CLOSED;
  if (actor.gaveUp(error)) return GAVE_UP;
  throw error;
}

interface State {
  readonly items: readonly number[];
  readonly open: boolean;
}

/** A queue with one thread: what each call may return. `next` is the index of the item that comes out. */
function sequential(maxsize: number, next: (items: readonly number[]) => number) {
  return (
    { items, open }: State,
    operation: string,
    argument: number | undefined,
    result: unknown,
  ): State | undefined => {
    // A call that never returned may have taken effect.
    const unknown = result === undefined && operation !== "tryGet";
    switch (operation) {
      case "put":
      case "tryPut": {
        if (result === CLOSED) return open ? undefined : { items, open };
        if (result === GAVE_UP) return { items, open };
        const room = maxsize === 0 || items.length < maxsize;
        if (result === false) return room && open ? undefined : { items, open };
        if (!room || !open) return unknown ? { items, open } : undefined;
        return { items: [...items, argument!], open };
      }
      case "get":
      case "tryGet": {
        if (result === CLOSED) return open || items.length > 0 ? undefined : { items, open };
        if (result === GAVE_UP) return { items, open };
        if (items.length === 0) return result === undefined ? { items, open } : undefined;
        const index = next(items);
        if (result !== undefined && items[index] !== result) return undefined;
        if (operation === "tryGet" && result === undefined) return undefined;
        return { items: items.filter((_, at) => at !== index), open };
      }
      case "shutdown":
        return { items, open: false };
      case "shutdownAtOnce":
        return { items: [], open: false };
    }
    throw new Error(`Cannot step '${operation}'`);
  };
}

const oldest = (): number => 0;
const newest = (items: readonly number[]): number => items.length - 1;
const lowest = (items: readonly number[]): number => {
  let best = 0;
  items.forEach((item, index) => {
    if (Math.floor(item / 10) < Math.floor(items[best] / 10)) best = index;
  });
  return best;
};

function asSequential(maxsize: number, next: (items: readonly number[]) => number): (actor: Actor) => void {
  return (actor) => actor.linearizable<State>({ items: [], open: true }, sequential(maxsize, next));
}

/** Two producers and consumers of several kinds. */
function mixed(
  name: string,
  make: (maxsize: number) => Queue<number>,
  next: (items: readonly number[]) => number,
): Model<Record<string, object>>[] {
  return [
    model({
      name: `${name}: two put, two get`,
      setup: () => ({ queue: make(0) }),
      threads: [
        (actor, { queue }) => put(actor, queue, 11),
        (actor, { queue }) => put(actor, queue, 2),
        ...times<Queues>(2, (actor, { queue }) => void get(actor, queue)),
      ],
      end: asSequential(0, next),
    }),
    model({
      name: `${name}: one puts two, one gets two`,
      setup: () => ({ queue: make(0) }),
      threads: [
        (actor, { queue }) => {
          put(actor, queue, 12);
          put(actor, queue, 13);
          put(actor, queue, 1);
        },
        (actor, { queue }) => {
          get(actor, queue);
          get(actor, queue);
          tryGet(actor, queue);
        },
      ],
      end: asSequential(0, next),
    }),
    model({
      name: `${name}: room for one`,
      setup: () => ({ queue: make(1) }),
      threads: [
        (actor, { queue }) => {
          put(actor, queue, 11);
          put(actor, queue, 2);
        },
        (actor, { queue }) => tryPut(actor, queue, 3),
        (actor, { queue }) => {
          get(actor, queue);
          get(actor, queue);
          tryGet(actor, queue);
        },
      ],
      end: asSequential(1, next),
    }),
    model({
      name: `${name}: nothing is lost or taken twice when a thread dies`,
      setup: () => ({ queue: make(0) }),
      threads: [
        (actor, { queue }) => {
          put(actor, queue, 11);
          put(actor, queue, 2);
        },
        (actor, { queue }) => {
          tryGet(actor, queue);
          put(actor, queue, 3);
        },
      ],
      faults: { deaths: 1 },
      end: (actor, { queue }) => {
        for (let i = 0; i < 4; i++) tryGet(actor, queue);
        actor.linearizable<State>({ items: [], open: true }, sequential(0, next));
      },
    }),
    model({
      name: `${name}: shut down between puts and gets`,
      setup: () => ({ queue: make(0) }),
      threads: [
        (actor, { queue }) => {
          put(actor, queue, 11);
          put(actor, queue, 2);
        },
        (actor, { queue }) => {
          get(actor, queue);
          get(actor, queue);
          get(actor, queue);
        },
        (actor, { queue }) => shutdown(actor, queue, false),
      ],
      end: asSequential(0, next),
    }),
    model({
      name: `${name}: shut down at once`,
      setup: () => ({ queue: make(1) }),
      threads: [
        (actor, { queue }) => {
          put(actor, queue, 11);
          put(actor, queue, 2);
        },
        (actor, { queue }) => {
          get(actor, queue);
          get(actor, queue);
        },
        (actor, { queue }) => shutdown(actor, queue, true),
      ],
      end: asSequential(1, next),
    }),
  ];
}

/** What queues promise. */
export const models: readonly Model<Record<string, object>>[] = [
  ...mixed("Queue", (maxsize) => new Queue<number>({ maxsize }), oldest),
  ...mixed("LifoQueue", (maxsize) => new LifoQueue<number>({ maxsize }), newest),
  ...mixed("PriorityQueue", (maxsize) => new PriorityQueue<number>({ maxsize }), lowest),
  model({
    name: "PriorityQueue: a thread that dies in a get from many items leaves all the others",
    setup: () => {
      const queue = new PriorityQueue<number>();
      for (const item of [41, 11, 51, 21, 31, 12]) queue.putSync(item, { priority: Math.floor(item / 10) });
      return { queue };
    },
    threads: [
      (actor, { queue }) => tryGet(actor, queue),
      (actor, { queue }) => {
        put(actor, queue, 1);
        tryGet(actor, queue);
      },
    ],
    faults: { deaths: 1 },
    end: (actor, { queue }) => {
      for (let i = 0; i < 7; i++) tryGet(actor, queue);
      actor.linearizable<State>(
        { items: [41, 11, 51, 21, 31, 12], open: true },
        sequential(0, lowest),
      );
    },
  }),
  model({
    name: "Queue: promises and blocked threads",
    setup: bounded,
    bound: 1,
    threads: [
      async (actor, { queue }) => {
        await getAsync(actor, queue);
        await getAsync(actor, queue);
      },
      (actor, { queue }) => void get(actor, queue),
      (actor, { queue }) => {
        put(actor, queue, 1);
        put(actor, queue, 2);
        put(actor, queue, 3);
      },
    ],
    end: asSequential(1, oldest),
  }),
  model({
    name: "Queue: promises that put, and a promise that gets",
    setup: bounded,
    threads: [
      async (actor, { queue }) => {
        await Promise.all([putAsync(actor, queue, 1), putAsync(actor, queue, 2)]);
      },
      async (actor, { queue }) => {
        await getAsync(actor, queue);
        await getAsync(actor, queue);
      },
    ],
    end: asSequential(1, oldest),
  }),
  model({
    name: "Queue: an aborted get takes nothing",
    setup,
    threads: [
      async (actor, { queue }) => {
        await getAsync(actor, queue, { signal: actor.signal() });
      },
      (actor, { queue }) => {
        put(actor, queue, 1);
        put(actor, queue, 2);
      },
      (actor, { queue }) => void get(actor, queue),
    ],
    end: (actor, { queue }) => {
      tryGet(actor, queue);
      tryGet(actor, queue);
      actor.linearizable<State>({ items: [], open: true }, sequential(0, oldest));
    },
  }),
  model({
    name: "Queue: timeouts of puts and gets",
    setup: bounded,
    threads: [
      (actor, { queue }) => {
        put(actor, queue, 1, TIMEOUT);
        put(actor, queue, 2, TIMEOUT);
      },
      (actor, { queue }) => void get(actor, queue, TIMEOUT),
      async (actor, { queue }) => await getAsync(actor, queue, { timeout: TIMEOUT }),
    ],
    faults: { timeouts: 1 },
    end: (actor, { queue }) => {
      tryGet(actor, queue);
      tryGet(actor, queue);
      actor.linearizable<State>({ items: [], open: true }, sequential(1, oldest));
    },
  }),
  model({
    name: "Queue: overtaken getters bar it, and get it",
    setup,
    scale: IMPATIENT,
    threads: [
      ...times<Queues>(2, (actor, { queue }) => void get(actor, queue)),
      (actor, { queue }) => {
        put(actor, queue, 1);
        put(actor, queue, 2);
        tryGet(actor, queue);
        put(actor, queue, 3);
      },
    ],
    end: (actor, { queue }) => {
      tryGet(actor, queue);
      asSequential(0, oldest)(actor);
      queue.putSync(9);
      actor.assert(queue.getSync({ timeout: 0 }) === 9, "the queue is barred at the end");
    },
  }),
  model({
    name: "Queue: a getter that gives up takes its bar along",
    setup,
    scale: IMPATIENT,
    threads: [
      (actor, { queue }) => void get(actor, queue, TIMEOUT),
      (actor, { queue }) => {
        get(actor, queue);
        get(actor, queue);
      },
      (actor, { queue }) => {
        put(actor, queue, 1);
        put(actor, queue, 2);
        put(actor, queue, 3);
      },
    ],
    faults: { timeouts: 1 },
    end: (actor, { queue }) => {
      tryGet(actor, queue);
      asSequential(0, oldest)(actor);
    },
  }),
  model({
    name: "Queue: overtaken putters bar it, and get room",
    setup: bounded,
    bound: 1,
    scale: IMPATIENT,
    threads: [
      ...times<Queues>(2, (actor, { queue }) => {
        put(actor, queue, actor.index * 10 + 1);
        put(actor, queue, actor.index * 10 + 2);
      }),
      (actor, { queue }) => {
        for (let i = 0; i < 4; i++) get(actor, queue);
      },
    ],
    end: asSequential(1, oldest),
  }),
  model({
    name: "Queue: join ends when all tasks are done",
    setup,
    threads: [
      (actor, { queue }) => {
        queue.putSync(1);
        queue.putSync(2);
        actor.assert(queue.joinSync(), "joinSync returned false without a timeout");
        actor.assert(actor.count("done") === 2, "join ended before all was done");
      },
      ...times<Queues>(2, (actor, { queue }) => {
        queue.getSync();
        actor.count("done", 1);
        queue.taskDone();
      }),
    ],
  }),
  model({
    name: "Queue: a promise of join, and tasks marked too often",
    setup,
    threads: [
      async (actor, { queue }) => {
        queue.putSync(1);
        actor.assert(await queue.join(), "join returned false without a timeout");
      },
      ...times<Queues>(2, (actor, { queue }) => {
        try {
          queue.taskDone();
          actor.count("marked", 1);
        } catch (error) {
          if (!(error instanceof Error) || error.name !== "InvalidStateError") throw error;
        }
        if (actor.index === 1 && actor.count("marked") === 0) {
          queue.getSync();
          try {
            queue.taskDone();
            actor.count("marked", 1);
          } catch (error) {
            if (!(error instanceof Error) || error.name !== "InvalidStateError") throw error;
          }
        }
      }),
    ],
    end: (actor) => actor.assert(actor.count("marked") === 1, "a task was marked as done twice"),
  }),
  model({
    name: "Queue: shut down at once ends join",
    setup,
    threads: [
      (actor, { queue }) => {
        put(actor, queue, 1);
        put(actor, queue, 2);
        actor.assert(queue.joinSync(), "joinSync returned false without a timeout");
      },
      (_actor, { queue }) => {
        try {
          queue.getSync();
        } catch (error) {
          if (!(error instanceof Error) || error.name !== "QueueShutDownError") throw error;
          return;
        }
        queue.taskDone();
      },
      (actor, { queue }) => {
        actor.step();
        queue.shutdown({ immediate: true });
      },
    ],
  }),
];
