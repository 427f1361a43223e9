/** Works of the locks and channels of npm's `multithreading`. */

import { channel, initRuntime, move, Mutex, RwLock, Semaphore, shutdown, spawn } from "multithreading";
import { timed } from "../out/lib/play.js";

/** Resolves when all have come to their end; rejects as the first that failed. */
async function joined(handles) {
  for (const handle of handles) {
    const result = await handle.join();
    if (!result.ok) throw result.error;
  }
}

/** Has so many workers up. */
async function ready(workers) {
  // There is one pool in a program, whose size can be set before its first task.
  shutdown();
  initRuntime({ maxWorkers: workers });
  await joined(Array.from({ length: workers }, () => spawn(move(0), () => 0)));
}

/**
 * Lets workers go as soon as all are there; resolves to the nanoseconds until they are done. `start` spawns
 * them with the line's words in a lock, as the package warns of others. They stand in it by text of their own, since a function
 * goes to a worker without what is around it.
 */
async function run(start) {
  const line = new Int32Array(new SharedArrayBuffer(8));
  const handles = start(new Mutex(line));
  const end = joined(handles);
  while (Atomics.load(line, 0) < handles.length) await new Promise((resolve) => setTimeout(resolve, 1));
  return await timed(() => {
    Atomics.store(line, 1, 1);
    Atomics.notify(line, 1);
    return end;
  });
}

function lockedBy(workers) {
  return async (n) => {
    await ready(workers);
    const times = Math.ceil(n / workers);
    const words = new Int32Array(new SharedArrayBuffer(4));
    const mutex = new Mutex(words);
    const ns = await run((line) =>
      Array.from({ length: workers }, () =>
        spawn(move(line, mutex, times), (line, mutex, times) => {
          const guard = line.blockingLock();
          const words = guard.value;
          guard.dispose();
          Atomics.add(words, 0, 1);
          Atomics.wait(words, 1, 0);
          for (let i = 0; i < times; i++) {
            const held = mutex.blockingLock();
            held.value[0]++;
            held.dispose();
          }
        }))
    );
    if (words[0] !== times * workers) throw new Error(`lost increments: ${words[0]} of ${times * workers}`);
    return ns;
  };
}

/** How many objects a channel holds here: all must fit into 64 KiB, or sending fails. */
const OBJECTS = 32;

function queueOf(item) {
  return async (n) => {
    await ready(2);
    const [sender, receiver] = channel(item === "integers" ? 1024 : OBJECTS);
    return await run((line) => [
      spawn(move(line, sender, item, n), (line, sender, item, n) => {
        const guard = line.blockingLock();
        const words = guard.value;
        guard.dispose();
        Atomics.add(words, 0, 1);
        Atomics.wait(words, 1, 0);
        const padding = item === "1 KB" ? "x".repeat(1000) : "";
        for (let id = 0; id < n; id++) {
          sender.blockingSend(item === "integers" ? id : { id, name: `item ${id}${padding}`, tags: ["a", "b"] });
        }
      }),
      spawn(move(line, receiver, n), (line, receiver, n) => {
        const guard = line.blockingLock();
        const words = guard.value;
        guard.dispose();
        Atomics.add(words, 0, 1);
        Atomics.wait(words, 1, 0);
        for (let i = 0; i < n; i++) receiver.blockingRecv();
      }),
    ]);
  };
}

/** The works. */
export const works = {
  "lock/free"(n) {
    const mutex = new Mutex();
    for (let i = 0; i < n; i++) mutex.blockingLock().dispose();
  },
  async "lock/awaited"(n) {
    const mutex = new Mutex();
    for (let i = 0; i < n; i++) (await mutex.lock()).dispose();
  },
  "semaphore/free"(n) {
    const semaphore = new Semaphore(1);
    for (let i = 0; i < n; i++) semaphore.blockingAcquire().dispose();
  },
  "rwlock/read"(n) {
    const lock = new RwLock();
    for (let i = 0; i < n; i++) lock.blockingRead().dispose();
  },
  "rwlock/write"(n) {
    const lock = new RwLock();
    for (let i = 0; i < n; i++) lock.blockingWrite().dispose();
  },
  "lock/2": lockedBy(2),
  "lock/4": lockedBy(4),
  "queue/integers": queueOf("integers"),
  "queue/objects": queueOf("objects"),
  "queue/1 KB": queueOf("1 KB"),
};
