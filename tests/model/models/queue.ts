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
/** What `tryGet` returns if there is no item. A call that never returned has the result `undefined`. */
const NOTHING = "nothing";

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

/** Each item is a put of its own, and so is each item that is taken: other threads may come between them. */
function putMany(actor: Actor, queue: Queue<number>, items: number[], timeout?: number): void {
  const calls: ReturnType<Actor["begin"]>[] = [];
  for (const item of items) calls.push(actor.begin("put", item));
  let put = items.length;
  let rest: unknown = true;
  try {
    queue.putManySync(items, timeout === undefined ? undefined : { timeout });
  } catch (error) {
    put = (error as { put: number }).put;
    rest = failure(actor, error);
  }
  for (let i = 0; i < items.length; i++) actor.finish(calls[i], i < put ? true : rest);
}

function getMany(actor: Actor, queue: Queue<number>, max: number, timeout?: number): void {
  const calls: ReturnType<Actor["begin"]>[] = [];
  for (let i = 0; i < max; i++) calls.push(actor.begin("get"));
  let items: number[] = [];
  let rest: unknown = GAVE_UP;
  try {
    items = queue.getManySync(max, timeout === undefined ? undefined : { timeout });
  } catch (error) {
    rest = failure(actor, error);
  }
  // The items of one producer have the same tens.
  for (let i = 1; i < items.length; i++) {
    for (let k = 0; k < i; k++) {
      const same = Math.floor(items[k] / 10) === Math.floor(items[i] / 10);
      actor.assert(!same || items[k] < items[i], `${items[i]} came after ${items[k]}`);
    }
  }
  for (let i = 0; i < max; i++) actor.finish(calls[i], i < items.length ? items[i] : rest);
}

/** Takes what is left, and then finds nothing. */
function takeRest(actor: Actor, queue: Queue<number>): void {
  while (queue.size > 0) tryGet(actor, queue);
  tryGet(actor, queue);
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
    actor.finish(call, item === undefined ? NOTHING : item);
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
    const unknown = result === undefined;
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
        if (result === NOTHING) return items.length === 0 ? { items, open } : undefined;
        if (items.length === 0) return unknown ? { items, open } : undefined;
        const index = next(items);
        if (!unknown && items[index] !== result) return undefined;
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
  ...[0, 3].map((maxsize) =>
    model<Queues>({
      name: `Queue: two put many and two get many${maxsize > 0 ? ", with little room" : ""}`,
      setup: () => ({ queue: new Queue<number>({ maxsize }) }),
      bound: maxsize > 0 ? 1 : 2,
      threads: [
        (actor, { queue }) => putMany(actor, queue, [11, 12, 13]),
        (actor, { queue }) => putMany(actor, queue, [21, 22]),
        ...times<Queues>(2, (actor, { queue }) => getMany(actor, queue, 3)),
      ],
      end: (actor, { queue }) => {
        takeRest(actor, queue);
        asSequential(maxsize, oldest)(actor);
      },
    })
  ),
  model({
    name: "Queue: many items are in the queue or not when a thread dies",
    setup: () => {
      const queue = new Queue<number>();
      // Both slots have places after that.
      queue.putSync(1);
      queue.getSync();
      return { queue };
    },
    threads: [
      (actor, { queue }) => {
        putMany(actor, queue, [11, 12]);
        putMany(actor, queue, [13, 14, 15]);
      },
      (actor, { queue }) => {
        getMany(actor, queue, 2, 0);
        putMany(actor, queue, [21, 22]);
        getMany(actor, queue, 3, 0);
      },
    ],
    faults: { deaths: 1 },
    mortal: [0],
    plain: true,
    end: (actor, { queue }) => {
      takeRest(actor, queue);
      asSequential(0, oldest)(actor);
    },
  }),
  model({
    name: "Queue: two that take many from what is there, and one dies",
    setup: () => {
      const queue = new Queue<number>();
      queue.putManySync([11, 12, 13, 14, 15, 16]);
      return { queue };
    },
    threads: times<Queues>(2, (actor, { queue }) => {
      getMany(actor, queue, 2, 0);
      getMany(actor, queue, 1, 0);
    }),
    faults: { deaths: 1 },
    end: (actor, { queue }) => {
      takeRest(actor, queue);
      actor.linearizable<State>({ items: [11, 12, 13, 14, 15, 16], open: true }, sequential(0, oldest));
    },
  }),
  model({
    name: "Queue: many items wake many waiters",
    setup,
    threads: [
      ...times<Queues>(2, (actor, { queue }) => void get(actor, queue)),
      (actor, { queue }) => putMany(actor, queue, [1, 2]),
    ],
    end: asSequential(0, oldest),
  }),
  model({
    name: "Queue: room for many items wakes many waiters",
    setup: () => {
      const queue = new Queue<number>({ maxsize: 2 });
      queue.putManySync([1, 2]);
      return { queue };
    },
    threads: [
      ...times<Queues>(2, (actor, { queue }) => put(actor, queue, actor.index * 10 + 13)),
      (actor, { queue }) => getMany(actor, queue, 2),
    ],
    end: (actor) => actor.linearizable<State>({ items: [1, 2], open: true }, sequential(2, oldest)),
  }),
  model({
    name: "Queue: overtaken putters of many items bar it, and get room",
    setup: bounded,
    bound: 1,
    scale: IMPATIENT,
    threads: [
      (actor, { queue }) => putMany(actor, queue, [11, 12, 13]),
      (actor, { queue }) => {
        put(actor, queue, 21);
        put(actor, queue, 22);
      },
      (actor, { queue }) => {
        for (let i = 0; i < 5; i++) getMany(actor, queue, 1);
      },
    ],
    end: (actor, { queue }) => {
      asSequential(1, oldest)(actor);
      queue.putSync(9, { timeout: 0 });
      actor.assert(queue.getSync() === 9, "the queue is barred at the end");
    },
  }),
  model({
    name: "Queue: many items, timeouts and a shutdown",
    setup: bounded,
    bound: 1,
    threads: [
      (actor, { queue }) => putMany(actor, queue, [11, 12], TIMEOUT),
      (actor, { queue }) => {
        getMany(actor, queue, 2, TIMEOUT);
        getMany(actor, queue, 2);
      },
      (actor, { queue }) => shutdown(actor, queue, false),
    ],
    faults: { timeouts: 1 },
    end: (actor, { queue }) => {
      while (queue.size > 0) tryGet(actor, queue);
      asSequential(1, oldest)(actor);
    },
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
