/** What threads of the pages run. */

import {
  Barrier,
  type Condition,
  currentTask,
  currentThread,
  Event,
  type Latch,
  Lock,
  type Queue,
  type RLock,
  type RWLock,
  type Semaphore,
  sleepSync,
  Thread,
  type Value,
  waitAnySync,
} from "@weft/concurrent/threading";

export function add(a: number, b: number): number {
  return a + b;
}

export function fail(message: string): never {
  throw new RangeError(message, { cause: { code: 7 } });
}

export async function failLater(): Promise<never> {
  await Promise.resolve();
  throw new TypeError("later");
}

export function failUncaught(): Promise<never> {
  setTimeout(() => {
    throw new Error("in a timer");
  });
  return new Promise(() => {});
}

export function nameOfThis(): string {
  return currentThread().name;
}

export function spin(): never {
  for (;;);
}

export function spinHolding(lock: Lock, held: Event): never {
  lock.acquireSync();
  held.set();
  for (;;);
}

export function holdUntil(lock: Lock | RLock, until: Event): void {
  using _guard = lock.acquireSync();
  until.waitSync();
}

export function writeUntil(lock: RWLock, held: Event, until: Event): void {
  using _guard = lock.writeSync();
  held.set();
  until.waitSync();
}

export function waitForever(lock: Lock, held: Event): void {
  using _guard = lock.acquireSync();
  held.set();
  new Event().waitSync();
}

export function countWith(lock: Lock | RLock, total: Value<"i32">, times: number): void {
  for (let i = 0; i < times; i++) {
    using _guard = lock.acquireSync();
    total.value += 1;
  }
}

export function countWithSemaphore(semaphore: Semaphore, inside: Value<"i32">, over: Value<"i32">): void {
  for (let i = 0; i < 20; i++) {
    using _guard = semaphore.acquireSync();
    if (inside.add(1) >= 2) over.add(1);
    sleepSync(1);
    inside.sub(1);
  }
}

export function readAndWrite(lock: RWLock, pair: Value<"i32">[], torn: Value<"i32">): void {
  for (let i = 0; i < 100; i++) {
    {
      using _guard = lock.writeSync();
      pair[0].value += 1;
      pair[1].value += 1;
    }
    using _guard = lock.readSync();
    if (pair[0].value !== pair[1].value) torn.add(1);
  }
}

export function meet(barrier: Barrier): number {
  return barrier.waitSync();
}

export function countDown(latch: Latch): void {
  latch.countDown();
}

export function raise(condition: Condition, stock: Value<"i32">): void {
  using _guard = condition.acquireSync();
  stock.value += 1;
  condition.notifyAll();
}

export function lower(condition: Condition, stock: Value<"i32">): void {
  using _guard = condition.acquireSync();
  condition.waitForSync(() => stock.value > 0);
  stock.value -= 1;
}

export function echo(requests: Queue<unknown>, answers: Queue<unknown>): void {
  for (;;) {
    const item = requests.getSync();
    if (item === undefined) return;
    answers.putSync(item);
    requests.taskDone();
  }
}

export async function drain(items: Queue<number>): Promise<number> {
  let total = 0;
  for await (const item of items) total += item;
  return total;
}

export function fill(items: Queue<number>, count: number): void {
  for (let i = 0; i < count; i++) items.putSync(i);
  items.putManySync([-1, -2]);
}

/** Blocking forms of everything, in a thread. */
export function blockOnAll(queue: Queue<string>, event: Event, lock: Lock): string[] {
  const seen: string[] = [];
  seen.push(queue.getSync({ timeout: 5_000 }));
  seen.push(String(event.waitSync({ timeout: 5_000 })));
  seen.push(String(new Event().waitSync({ timeout: 10 })));
  try {
    lock.acquireSync({ timeout: 20 });
  } catch (error) {
    seen.push((error as Error).name);
  }
  seen.push(String(waitAnySync([new Event(), event], { timeout: 5_000 }) === 1));
  sleepSync(5);
  const barrier = new Barrier(2);
  const other = new Thread({ target: meet, args: [barrier] }).start();
  barrier.waitSync();
  seen.push(String(other.joinSync({ timeout: 10_000 })));
  return seen;
}

export function leaveChild(total: Value<"i32">): void {
  new Thread({ target: addTo, args: [total, 5] }).start();
}

export function addTo(total: Value<"i32">, amount: number): void {
  total.add(amount);
}

export function stopChild(): boolean {
  const thread = new Thread({ target: spin }).start();
  thread.joinSync({ timeout: 300 });
  thread.terminate();
  return thread.joinSync({ timeout: 15_000 });
}

export function startHolder(name: string): never {
  new Thread({ target: holdNamed, args: [name] }).start();
  for (;;);
}

export function holdNamed(name: string): never {
  new Lock({ name }).acquireSync();
  new Event({ name: `${name} is held` }).set();
  for (;;);
}

export function square(x: number): number {
  return x * x;
}

export function slowSquare(x: number): number {
  sleepSync(20);
  return x * x;
}

export function untilCancelled(begun: Event): number {
  begun.set();
  let turns = 0;
  while (!currentTask()!.cancelled) turns++;
  return turns;
}

export async function hasTask(_item: number): Promise<boolean> {
  const has = currentTask() !== undefined;
  await new Promise((resolve) => setTimeout(resolve, 5));
  return has;
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length;
}
