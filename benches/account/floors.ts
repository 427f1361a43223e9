/** The works of the programs without the library: what is in the rows of floor_plan.ts. */

import { loadLibc } from "../../_internal/system/system.ts";
import { timed, type Work } from "../lib/play.ts";
import { ASLEEP_MS } from "../peers/bare/sizes.ts";
import { allThere, ANSWERED, ask, ASKED, COUNT, endEcho, go, makeWords } from "../peers/bare/words.ts";
import {
  BUFFERS,
  type CodeName,
  END,
  makeByteSlots,
  makeCold,
  MIB,
  MOST,
  type Ring,
  RINGS,
  sendLarge,
} from "./floor_memory.ts";
import {
  ALONE,
  ANNOUNCED,
  BACKING_OFF,
  CODED,
  COLD,
  FUTEX,
  GUARDED,
  LARGE,
  MUTEX,
  TWO_MUTEXES,
  work,
} from "./floor_plan.ts";
import type { Order } from "./floor_worker.ts";

interface Started {
  readonly end: Promise<number>;
  stop(): void;
}

function start(order: Order): Started {
  const worker = new Worker(new URL("./floor_worker.ts", import.meta.url), { type: "module" });
  worker.postMessage(order);
  const end = new Promise<number>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message));
  });
  return { end, stop: () => worker.terminate() };
}

/** Lets workers go as soon as all are there. Resolves to the nanoseconds until they are done, or until `run` is. */
async function together(words: Int32Array, orders: readonly Order[], run?: () => void): Promise<number> {
  const workers = orders.map(start);
  await allThere(words, orders.length);
  let wrong = 0;
  const ns = await timed(async () => {
    go(words);
    run?.();
    for (const { end } of workers) wrong += await end;
  });
  for (const worker of workers) worker.stop();
  if (wrong !== 0) throw new Error(`items that were not as they should be: ${wrong}`);
  return ns;
}

function locked(how: "increment" | "increment backing off" | "increment guarded", workers: number): Work {
  return async (n) => {
    const words = makeWords();
    const times = Math.ceil(n / workers);
    const ns = await together(words, Array.from({ length: workers }, () => ({ do: how, words, times })));
    if (words[COUNT] !== times * workers) throw new Error(`lost increments: ${words[COUNT]} of ${times * workers}`);
    return ns;
  };
}

const numbers: Work = (times) => {
  const [words, slots] = [makeWords(), makeNumbers()];
  return together(words, [{ do: "put", words, slots, times }, { do: "take", words, slots, times }]);
};

const announced: Work = (times) => {
  const [words, slots] = [makeWords(), makeNumbers()];
  return together(words, [{ do: "fill numbers", words, slots, times }, { do: "drain numbers", words, slots, times }]);
};

function makeNumbers(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * MOST));
}

function objects(code: CodeName, padding: number): Work {
  return (times) => {
    const [words, slots] = [makeWords(), makeByteSlots(padding)];
    const common = { words, slots, code, padding, times };
    return together(words, [{ do: "fill", ...common }, { do: "drain", ...common }]);
  };
}

function large(isFresh: boolean): Work {
  return (times) => {
    const words = makeWords();
    const shared = new Uint8Array(new SharedArrayBuffer(BUFFERS * MIB)).fill(1);
    const bytes = new Uint8Array(MIB).fill(1);
    return together(words, [{ do: "take large", words, shared, isFresh, times }], () => {
      for (let i = 0; i < times; i++) sendLarge(words, shared, bytes, i);
    });
  };
}

/** Trips to a sleeping partner, each after a while. The first does not count. */
async function trips(n: number, trip: (number: number) => void, ms = ASLEEP_MS): Promise<number> {
  trip(n + 1);
  let ns = 0;
  for (let i = 1; i <= n; i++) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    ns += await timed(() => trip(i));
  }
  return ns;
}

/** Both sides run so many cold statements: for what is put before the wake-up, and for what is taken after it. */
function wakes(statements: number, isAwaiting: boolean): Work {
  return async (n) => {
    const words = makeWords();
    const partner = start({ do: "echo", words, statements, isAwaiting });
    const cold = makeCold(statements);
    const ns = await trips(n, (number) => {
      if (statements > 0) cold(number);
      ask(words, number);
    });
    endEcho(words);
    await partner.end;
    partner.stop();
    return ns;
  };
}

const wakesByNumbers = (ring: Ring, isAwaiting: boolean): Work => async (n) => {
  const { put, take } = RINGS[ring];
  const [asked, answered] = [makeWords(), makeWords()];
  const slots = [makeNumbers(), makeNumbers()] as const;
  const partner = start({ do: "echo numbers", asked, answered, slots, ring, isAwaiting });
  const ns = await trips(n, (number) => {
    put(asked, slots[0], number);
    take(answered, slots[1]);
  });
  put(asked, slots[0], END);
  await partner.end;
  partner.stop();
  return ns;
};

const wakesByFutex: Work = async (n) => {
  const libc = loadLibc("measure futexes");
  const address = libc.mapOwn(4096);
  const words = new Int32Array(libc.native.view(address, 4096));
  const partner = start({ do: "echo by futex", words: makeWords(), address });
  const ns = await trips(n, (number) => {
    const before = Atomics.load(words, ANSWERED);
    Atomics.store(words, ASKED, number);
    libc.wake(address + 4 * ASKED, 1);
    while (Atomics.load(words, ANSWERED) === before) libc.wait(address + 4 * ANSWERED, before, 1_000);
  }, 5);
  Atomics.store(words, ASKED, END);
  libc.wake(address + 4 * ASKED, 1);
  await partner.end;
  partner.stop();
  libc.unmap(address, 4096);
  return ns;
};

/** The works. */
export function floorWorks(): Record<string, Work> {
  const works: Record<string, Work> = {
    [work(MUTEX, "lock/2")]: locked("increment", 2),
    [work(MUTEX, "lock/4")]: locked("increment", 4),
    [work(BACKING_OFF, "lock/2")]: locked("increment backing off", 2),
    [work(BACKING_OFF, "lock/4")]: locked("increment backing off", 4),
    [work(GUARDED, "lock/2")]: locked("increment guarded", 2),
    [work(GUARDED, "lock/4")]: locked("increment guarded", 4),
    [work(ALONE, "lock/2")]: locked("increment", 1),
    [work(TWO_MUTEXES, "queue/integers")]: numbers,
    [work(ANNOUNCED, "queue/integers")]: announced,
    [work(TWO_MUTEXES, "wake/thread")]: wakesByNumbers("mutexes", false),
    [work(ANNOUNCED, "wake/thread")]: wakesByNumbers("announced", false),
    [work(TWO_MUTEXES, "wake/promise")]: wakesByNumbers("mutexes", true),
    [work(ANNOUNCED, "wake/promise")]: wakesByNumbers("announced", true),
    [work(FUTEX, "pipe/asleep")]: wakesByFutex,
    [work(LARGE.fresh, "pipe/1 MiB")]: large(true),
    [work(LARGE.reused, "pipe/1 MiB")]: large(false),
  };
  for (const [code, name] of Object.entries(CODED)) {
    works[work(name, "queue/objects")] = objects(code as CodeName, 0);
    works[work(name, "queue/1 KB")] = objects(code as CodeName, 1000);
  }
  for (const [statements, name] of Object.entries(COLD)) {
    works[work(name, "wake/thread")] = wakes(Number(statements), false);
    works[work(name, "wake/promise")] = wakes(Number(statements), true);
  }
  return works;
}
