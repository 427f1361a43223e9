/** What the threads of the tests run. */

import {
  currentThread,
  Event,
  Lock,
  type Queue,
  registerSerializable,
  type Semaphore,
  setExceptHook,
  sleepSync,
  Thread,
  Timer,
  type Value,
} from "@weft/concurrent/threading";
import * as multiprocessing from "@weft/concurrent/multiprocessing";

export class Custom extends Error {
  override name = "Custom";
  readonly code: number;

  constructor(code: number) {
    super(`code ${code}`);
    this.code = code;
  }
}
registerSerializable(Custom, {
  name: "threading_test.Custom",
  serialize: ({ code, stack }) => ({ code, stack }),
  deserialize: ({ code, stack }) => Object.assign(new Custom(code), { stack }),
});

export class Unregistered extends RangeError {
  override name = "Unregistered";
  readonly detail = { a: [1] };
}

export function nothing(): void {}

export function add(a: number, b: number): number {
  return a + b;
}

export async function addLater(a: number, b: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return a + b;
}

export function echo<T>(value: T): T {
  return value;
}

export function fail(kind: string): never {
  switch (kind) {
    case "type":
      throw Object.assign(new TypeError("wrong kind", { cause: new URIError("below") }), { code: 7 });
    case "custom":
      throw new Custom(3);
    case "unregistered":
      throw new Unregistered("unknown here");
    case "aggregate":
      throw new AggregateError([new Error("a"), new RangeError("b")], "several");
    default:
      throw kind;
  }
}

export function unsendable(): unknown {
  return { list: [1, () => {}] };
}

export function describeSelf(): { name: string; ident: number | undefined; daemon: boolean; isAlive: boolean } {
  const { name, ident, daemon, isAlive } = currentThread();
  return { name, ident, daemon, isAlive };
}

export function waitForEvent(event: Event): string {
  event.waitSync();
  return "woken";
}

export async function waitForEventLater(event: Event): Promise<string> {
  await event.wait();
  return "woken";
}

/** Holds the lock and says so, then waits in the way that is asked for. */
export async function holdAndWait(lock: Lock, held: Event, how: string): Promise<void> {
  const guard = lock.acquireSync();
  held.set();
  switch (how) {
    case "a wait":
      new Event().waitSync();
      break;
    case "an asynchronous wait":
      await new Event().wait();
      break;
    case "its event loop":
      await new Promise((resolve) => setTimeout(resolve, 1e6));
      break;
    case "a sleep":
      sleepSync(1e6);
      break;
    case "a promise that never settles":
      await new Promise(() => {});
      break;
    case "a loop that calls the library":
      for (const other = new Lock();;) other.acquireSync()[Symbol.dispose]();
    case "a loop that calls the library for processes":
      for (const other = new multiprocessing.Queue();; other.tryGet()) other.tryPut(1);
    case "a wait for processes":
      new multiprocessing.Event().waitSync();
      break;
    case "a busy loop":
      for (;;);
    case "a return":
      return;
    case "an error":
      throw new Error("on purpose");
    case "an exit":
      exit(3);
  }
  guard[Symbol.dispose]();
}

export function exit(code: number): never {
  const { Deno, process } = globalThis as unknown as Record<string, { exit(code: number): never }>;
  return (Deno ?? process)!.exit(code);
}

export async function exitLater(code: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 5));
  exit(code);
}

/** Counts in shared memory without a call of the library, then takes the lock. */
export function countThenLock(counter: Value<"i32">, words: Value<"i32">, lock: Lock): void {
  const end = performance.now() + 400;
  while (performance.now() < end) counter.add(1);
  using _held = lock.acquireSync();
  words.add(1);
}

export function busyFor(ms: number, started: Event): void {
  started.set();
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** Holds the lock and counts, without a call into the library's waits. */
export function holdAndCount(lock: Lock, held: Event, count: Value<"u32">): void {
  lock.acquireSync();
  held.set();
  for (;;) count.add(1);
}

export function busyForEver(started: Event): void {
  started.set();
  for (;;);
}

export async function startDeeper(depth: number, names: Queue<string>): Promise<number> {
  names.putSync(currentThread().name);
  if (depth === 0) return 0;
  return 1 +
    await new Thread({ target: startDeeper, args: [depth - 1, names], name: `depth ${depth - 1}` }).start().result();
}

/** Starts another that waits for the event, and returns at once. */
export function leaveOneBehind(event: Event, done: Event, handles: Queue<Thread<never>>): string {
  const thread = new Thread({ target: waitAndSet, args: [event, done] }).start();
  handles.putSync(thread as Thread<never>);
  return "returned";
}

export function waitAndSet(event: Event, done: Event): void {
  event.waitSync();
  done.set();
}

export function startBusyOne(started: Event, handles: Queue<Thread<never>>): void {
  const thread = new Thread({ target: busyForEver, args: [started] }).start();
  handles.putSync(thread as Thread<never>);
  new Event().waitSync();
}

export function startWaitingOne(started: Event, handles: Queue<Thread<never>>): void {
  const thread = new Thread({ target: setAndWait, args: [started] }).start();
  handles.putSync(thread as Thread<never>);
  new Event().waitSync();
}

export function setAndWait(started: Event): void {
  started.set();
  new Event().waitSync();
}

export function daemonOf(): boolean {
  return new Thread().daemon;
}

export async function joinOther(thread: Thread<never>): Promise<string> {
  const joined = await thread.join({ timeout: 20_000 });
  return `${joined} ${thread.joinSync({ timeout: 20_000 })} ${await thread.result()}`;
}

export function terminateOther(thread: Thread<never>): void {
  thread.terminate();
}

export function joinSelf(): string {
  try {
    currentThread().joinSync();
    return "joined";
  } catch (error) {
    return (error as Error).name;
  }
}

export function rejectUnhandled(): Promise<void> {
  Promise.reject(new Custom(5));
  return new Promise((resolve) => setTimeout(resolve, 10_000));
}

export function throwInTimer(): Promise<void> {
  setTimeout(() => {
    throw new Custom(6);
  }, 1);
  return new Promise((resolve) => setTimeout(resolve, 10_000));
}

export async function leaveThingsOpen(fired: Event): Promise<string> {
  setTimeout(() => fired.set(), 50);
  setInterval(() => {}, 1);
  const { createServer } = await import("node:net");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return "left";
}

export class Worker1 extends Thread {
  start2 = 1;
  seen: unknown[] = [];
  readonly from: number;
  readonly results: Queue<unknown>;

  constructor(from: number, results: Queue<unknown>) {
    super({ name: "worker one" });
    this.from = from;
    this.results = results;
    this.seen.push(from);
  }
  override run(): void {
    this.results.putSync({
      from: this.from,
      seen: this.seen,
      name: this.name,
      same: currentThread() === this as never,
    });
  }
}

export class Adder extends Thread<[number, number], number> {
  override run(a: number, b: number): number {
    return super.run(a, b) as number * 10;
  }
}

export class TwiceLater extends Timer<[number], number> {
  override run(number: number): number {
    return number * 2;
  }
}

/** Runs in a thread: sets a hook there, whose calls it puts on the queue. */
export function hookHere(names: Queue<string>): Promise<boolean> {
  setExceptHook(({ thread, error }) => names.putSync(`${thread.name}: ${error}`));
  return new Thread({ target: fail, args: ["inner"], name: "inner" }).start().join();
}

export function acquireAndRelease(permits: Semaphore): number {
  permits.acquireSync();
  permits.release();
  return permits.value;
}

export async function sleepAndAnswer(ms: number, value: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return value;
}

export function useAll(lock: Lock, queue: Queue<unknown>, value: Value<"i32">): number {
  using _held = lock.acquireSync();
  queue.putSync({ lock, value });
  return value.add(1);
}

export function leaveWaitingOne(ready: Event, handles: Queue<Thread<never>>): string {
  const inner = new Thread({ target: setAndWait, args: [ready] });
  handles.putSync(inner as never);
  inner.start();
  return "returned";
}
