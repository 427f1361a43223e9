/**
 * What the threads and processes of the storms do. They work until they are killed or asked to stop, and note in shared
 * arrays what they have finished.
 */

import type {
  Barrier,
  Condition,
  Event,
  Lock,
  Queue,
  RLock,
  RWLock,
  Semaphore,
  SharedArray,
} from "@weft/concurrent/threading";
import type { Connection } from "@weft/concurrent/multiprocessing";

// What the words of a ledger are for.
/** The thread that is inside. */
export const OWNER = 0;
export const FIRST = 1;
export const SECOND = 2;
export const FAULTS = 3;
export const ABANDONED = 4;
export const ROUNDS = 5;
export const TAKEN = 6;
/** From here on, a word for each number: whether the thread that had it was killed. */
export const DEAD = 16;
/** How many numbers can be given. */
export const NUMBERS = 4096;
/** From here on, a word for each number: whether the thread that has it is at work. */
export const AT_WORK = DEAD + NUMBERS;
/** The most items that a producer puts. */
export const PER = 2 ** 16;

type Words = SharedArray<"i32">;

/** Reports that this thread is at work, and returns the ledger. */
function begin(words: Words, me: number): Int32Array {
  const ledger = words.array as Int32Array;
  Atomics.store(ledger, AT_WORK + me, 1);
  return ledger;
}

/** Takes some time, now and then, so that many threads are killed here. */
function dwell(): void {
  if (Math.random() >= 0.05) return;
  const until = performance.now() + Math.random();
  while (performance.now() < until);
}

/**
 * Changes two numbers that belong together, and checks that no other thread is inside. `me` is not 0.
 *
 * A thread that is killed in the middle leaves its number behind, and perhaps half of the change. The next thread repairs that.
 */
function change(ledger: Int32Array, me: number, abandoned: boolean): void {
  if (abandoned) Atomics.add(ledger, ABANDONED, 1);
  const before = Atomics.exchange(ledger, OWNER, me);
  if (before !== 0) {
    if (Atomics.load(ledger, DEAD + before) === 0) Atomics.add(ledger, FAULTS, 1);
    Atomics.store(ledger, SECOND, Atomics.load(ledger, FIRST));
  }
  if (Atomics.load(ledger, FIRST) !== Atomics.load(ledger, SECOND)) Atomics.add(ledger, FAULTS, 1);
  Atomics.add(ledger, FIRST, 1);
  dwell();
  Atomics.add(ledger, SECOND, 1);
  Atomics.add(ledger, ROUNDS, 1);
  if (Atomics.exchange(ledger, OWNER, 0) !== me) Atomics.add(ledger, FAULTS, 1);
}

/** Takes a lock again and again, in all three ways. */
export async function useLock(lock: Lock | RLock, words: Words, stop: Event, me: number): Promise<void> {
  const ledger = begin(words, me);
  for (let i = me; !stop.isSet; i++) {
    if (i % 3 === 0) {
      const guard = await lock.acquire();
      change(ledger, me, guard.abandoned);
      guard[Symbol.dispose]();
    } else if (i % 3 === 1) {
      const guard = lock.acquireSync();
      change(ledger, me, guard.abandoned);
      guard[Symbol.dispose]();
    } else {
      const guard = await lock.acquire({ signal: AbortSignal.timeout(1) }).catch(() => undefined);
      if (guard === undefined) continue;
      change(ledger, me, guard.abandoned);
      guard[Symbol.dispose]();
    }
  }
}

/** Reads and writes under an RWLock. If a reader sees two different numbers, and no writer died, that is a fault. */
export async function useRWLock(lock: RWLock, words: Words, stop: Event, me: number): Promise<void> {
  const ledger = begin(words, me);
  for (let i = me; !stop.isSet; i++) {
    if (i % 4 === 0) {
      const guard = i % 8 === 0 ? await lock.write() : lock.writeSync();
      change(ledger, me, guard.abandoned);
      guard[Symbol.dispose]();
    } else {
      const guard = i % 2 === 1
        ? lock.readSync()
        : await (i % 3 === 0 ? lock.read() : lock.read({ signal: AbortSignal.timeout(1) }).catch(() => undefined));
      if (guard === undefined) continue;
      const first = Atomics.load(ledger, FIRST);
      dwell();
      if (first !== Atomics.load(ledger, SECOND) && Atomics.load(ledger, OWNER) === 0) {
        Atomics.add(ledger, FAULTS, 1);
      }
      guard[Symbol.dispose]();
    }
  }
}

/** Holds a permit for a moment, never more than `limit` threads at a time. */
export async function usePermits(
  semaphore: Semaphore,
  words: Words,
  stop: Event,
  me: number,
  limit: number,
): Promise<void> {
  const ledger = begin(words, me);
  for (let i = me; !stop.isSet; i++) {
    const guard = i % 2 === 0
      ? await semaphore.acquire({ timeout: 2 }).catch(() => undefined)
      : semaphore.tryAcquire() ?? semaphore.acquireSync({ timeout: 50 });
    if (guard === undefined) continue;
    // The count is written before and after. A thread that dies in between leaves it one too high, and its permit is lost.
    if (Atomics.add(ledger, FIRST, 1) >= limit) Atomics.add(ledger, FAULTS, 1);
    dwell();
    Atomics.sub(ledger, FIRST, 1);
    Atomics.add(ledger, ROUNDS, 1);
    guard[Symbol.dispose]();
  }
}

/**
 * Puts numbers `me * PER + n`, and notes after each put how many there are.
 *
 * An item whose put was aborted or timed out was not put. It is put again, and would arrive twice otherwise.
 */
export async function produce(
  queue: Queue<unknown>,
  words: Words,
  put: Words,
  stop: Event,
  me: number,
  size: number,
): Promise<void> {
  begin(words, me);
  const ledger = put.array as Int32Array;
  const padding = "x".repeat(size);
  for (let n = 0, i = 0; n < PER && !stop.isSet; i++) {
    const item = size === 0 ? me * PER + n : { id: me * PER + n, padding };
    if (i % 16 === 0) {
      const options = i % 32 === 0 ? { signal: AbortSignal.timeout(1) } : { timeout: 1 };
      if (!await queue.put(item, options).then(() => true, () => false)) continue;
    } else if (i % 3 === 0) {
      await queue.put(item);
    } else {
      queue.putSync(item);
    }
    Atomics.store(ledger, me, ++n);
  }
}

/** Takes items and notes each, until the queue is shut down. */
export async function consume(
  queue: Queue<unknown>,
  words: Words,
  seen: SharedArray<"u8">,
  me: number,
): Promise<void> {
  const ledger = begin(words, me);
  const counts = seen.array as Uint8Array;
  for (let i = 0;; i++) {
    let item: unknown;
    try {
      if (i % 16 === 0) item = await queue.get(i % 32 === 0 ? { signal: AbortSignal.timeout(1) } : { timeout: 1 });
      else if (i % 3 === 0) item = await queue.get();
      else item = queue.getSync();
    } catch (error) {
      const { name } = error as Error;
      if (name === "QueueShutDownError") return;
      if (i % 16 === 0 && (name === "TimeoutError" || name === "QueueEmptyError")) continue;
      throw error;
    }
    const id = typeof item === "number" ? item : (item as { id: number }).id;
    Atomics.add(counts, id, 1);
    Atomics.add(ledger, ROUNDS, 1);
  }
}

/** Waits at a barrier again and again. If it is broken, the thread reports that and waits for the reset. */
export async function meet(barrier: Barrier, words: Words, stop: Event, me: number): Promise<void> {
  const ledger = begin(words, me);
  for (let i = me; !stop.isSet; i++) {
    try {
      if (i % 2 === 0) await barrier.wait();
      else barrier.waitSync();
      Atomics.add(ledger, ROUNDS, 1);
    } catch (error) {
      if ((error as Error).name !== "BrokenBarrierError") throw error;
      Atomics.add(ledger, ABANDONED, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** Adds an item, and notifies the others. */
export function give(condition: Condition, words: Words, stop: Event, me: number): void {
  const ledger = begin(words, me);
  while (!stop.isSet) {
    const guard = condition.acquireSync();
    change(ledger, me, guard.abandoned);
    condition.notify();
    guard[Symbol.dispose]();
  }
}

/** Takes items, and waits while there are none. */
export async function take(condition: Condition, words: Words, stop: Event, me: number): Promise<void> {
  const ledger = begin(words, me);
  for (let i = me; !stop.isSet; i++) {
    const guard = i % 2 === 0 ? await condition.acquire() : condition.acquireSync();
    try {
      const there = (): boolean => Atomics.load(ledger, FIRST) > Atomics.load(ledger, TAKEN) || stop.isSet;
      const passed = i % 2 === 0
        ? await condition.waitFor(there, { timeout: 5_000 })
        : condition.waitForSync(there, { timeout: 5_000 });
      if (!passed && !stop.isSet) Atomics.add(ledger, FAULTS, 1);
      if (Atomics.load(ledger, FIRST) > Atomics.load(ledger, TAKEN)) Atomics.add(ledger, TAKEN, 1);
    } finally {
      guard[Symbol.dispose]();
    }
  }
}

/** Sends 0, 1, 2, … and notes after each how many. */
export function send(connection: Connection<number>, sent: Words, me: number): void {
  const ledger = sent.array as Int32Array;
  for (let n = 0;; n++) {
    connection.sendSync(n);
    Atomics.store(ledger, me, n + 1);
  }
}
