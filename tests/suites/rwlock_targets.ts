import {
  type Event,
  type Latch,
  type Queue,
  type RWLock,
  type Semaphore,
  type SharedArray,
  sleepSync,
  type Value,
} from "@weft/concurrent/threading";

/** Reads until it has to stop. */
export function readUntil(lock: RWLock, inside: Latch, stop: Event): void {
  using _guard = lock.readSync();
  inside.countDown();
  stop.waitSync();
}

/** Writes until it has to stop. */
export function writeUntil(lock: RWLock, inside: Event, stop: Event): void {
  using _guard = lock.writeSync();
  inside.set();
  stop.waitSync();
}

/** Returns without releasing its read. */
export function readAndLeave(lock: RWLock): void {
  lock.readSync();
}

/** Returns without releasing its write. */
export function writeAndLeave(lock: RWLock): void {
  lock.writeSync();
}

/** Takes a side, reports, and waits to be killed. */
export function holdForEver(lock: RWLock, side: "read" | "write", holding: Semaphore): void {
  if (side === "read") lock.readSync();
  else lock.writeSync();
  holding.release();
  sleepSync(Infinity);
}

/** Waits for a side, and returns whether the guard was abandoned. */
export function take(lock: RWLock, side: "read" | "write", waiting: Event): boolean {
  waiting.set();
  using guard = side === "read" ? lock.readSync() : lock.writeSync();
  return guard.abandoned;
}

/** The same with a promise. */
export async function takeAsync(lock: RWLock, side: "read" | "write", waiting: Event): Promise<boolean> {
  waiting.set();
  using guard = side === "read" ? await lock.read() : await lock.write();
  return guard.abandoned;
}

/** Writes two numbers that belong together, `rounds` times. */
export function writePairs(lock: RWLock, pair: SharedArray<"i32">, rounds: number): void {
  const { array } = pair;
  for (let i = 0; i < rounds; i++) {
    using _guard = lock.writeSync();
    array[0]++;
    array[1]++;
  }
}

/** Reads the two numbers, and counts how often they do not belong together. */
export function readPairs(lock: RWLock, pair: SharedArray<"i32">, rounds: number): number {
  const { array } = pair;
  let torn = 0;
  for (let i = 0; i < rounds; i++) {
    using _guard = lock.readSync();
    if (array[0] !== array[1]) torn++;
  }
  return torn;
}

/** Both, with promises and in one thread. */
export async function mixAsync(lock: RWLock, pair: SharedArray<"i32">, rounds: number): Promise<number> {
  const { array } = pair;
  let torn = 0;
  const reader = async (): Promise<void> => {
    for (let i = 0; i < rounds; i++) {
      using _guard = await lock.read();
      if (array[0] !== array[1]) torn++;
    }
  };
  const writer = async (): Promise<void> => {
    for (let i = 0; i < rounds; i++) {
      using _guard = await lock.write();
      array[0]++;
      await Promise.resolve();
      array[1]++;
    }
  };
  await Promise.all([reader(), writer(), reader()]);
  return torn;
}

/** Reads without a pause: with two such threads, one of them is always reading. */
export function readAlways(lock: RWLock, rounds: Value<"i32">, stop: Event): void {
  while (!stop.isSet) {
    using _guard = lock.readSync();
    rounds.add(1);
    for (let i = 0; i < 2000 && !stop.isSet; i++) rounds.value;
  }
}

/** Writes without a pause. */
export function writeAlways(lock: RWLock, rounds: Value<"i32">, stop: Event): void {
  while (!stop.isSet) {
    using _guard = lock.writeSync();
    rounds.add(1);
    for (let i = 0; i < 200; i++) rounds.value;
  }
}

/** Gets a lock, and sends it on. */
export function passOn(from: Queue<RWLock>, to: Queue<RWLock>): boolean {
  const lock = from.getSync();
  to.putSync(lock);
  return lock.tryWrite() === undefined;
}
