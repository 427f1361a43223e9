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

function lockedBy(workers) {
  return async (n) => {
    await ready(workers);
    const times = Math.ceil(n / workers);
    const words = new Int32Array(new SharedArrayBuffer(4));
    const mutex = new Mutex(words);
    const ns = await timed(() =>
      joined(Array.from({ length: workers }, () =>
        spawn(move(mutex, times), (mutex, times) => {
          for (let i = 0; i < times; i++) {
            const guard = mutex.blockingLock();
            guard.value[0]++;
            guard.dispose();
          }
        })))
    );
    if (words[0] !== times * workers) throw new Error(`lost increments: ${words[0]} of ${times * workers}`);
    return ns;
  };
}

function queueOf(item) {
  return async (n) => {
    await ready(2);
    const [sender, receiver] = channel(1024);
    return await timed(() =>
      joined([
        spawn(move(sender, item, n), (sender, item, n) => {
          const padding = item === "1 KB" ? "x".repeat(1000) : "";
          for (let id = 0; id < n; id++) {
            sender.blockingSend(item === "integers" ? id : { id, name: `item ${id}${padding}`, tags: ["a", "b"] });
          }
        }),
        spawn(move(receiver, n), (receiver, n) => {
          for (let i = 0; i < n; i++) receiver.blockingRecv();
        }),
      ])
    );
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
