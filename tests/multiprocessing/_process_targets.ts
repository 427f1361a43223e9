/** What runs in the processes of the tests of `Process`. */

import {
  activeChildren,
  currentProcess,
  type Event,
  getStartMethod,
  type Lock,
  parentProcess,
  Process,
  type Queue,
  sleepSync,
  type Value,
} from "@weft/concurrent/multiprocessing";
import { Thread } from "@weft/concurrent/threading";
import process from "node:process";

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

export function fail(message: string): never {
  throw new RangeError(message, { cause: "a cause" });
}

export async function failLater(): Promise<void> {
  await Promise.resolve();
  throw new TypeError("later");
}

export function setExitCode(code: number): string {
  process.exitCode = code;
  return "returned";
}

export function exit(code: number): void {
  process.exit(code);
}

export function uncaught(): Promise<void> {
  setTimeout(() => {
    throw new Error("never caught");
  }, 1);
  return new Promise(() => setTimeout(() => {}, 60_000));
}

export function unhandled(): Promise<void> {
  void Promise.reject(new Error("never handled"));
  return new Promise(() => setTimeout(() => {}, 60_000));
}

/** Says that it runs, and then neither returns nor turns its event loop. */
export function spin(started: Event): void {
  started.set();
  for (;;);
}

/** Says that it runs, and blocks. */
export function block(started: Event, never: Event): void {
  started.set();
  never.waitSync();
}

/** Says that it runs, and idles. */
export async function idle(started: Event): Promise<void> {
  started.set();
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}

export function holdForEver(lock: Lock, started: Event): void {
  lock.acquireSync();
  started.set();
  for (;;);
}

export async function waitFor(event: Event): Promise<string> {
  await event.wait();
  return "set";
}

export function who(): { name: string; pid: number; daemon: boolean; parent?: string; parentPid?: number } {
  const own = currentProcess();
  const parent = parentProcess();
  return { name: own.name, pid: own.pid!, daemon: own.daemon, parent: parent?.name, parentPid: parent?.pid };
}

export function surroundings(name: string): { cwd: string; variable: string | undefined; told: string | undefined } {
  return { cwd: process.cwd(), variable: process.env[name], told: process.env.WEFT_PROCESS };
}

export async function nest(depth: number, total: Value<"i32">): Promise<string[]> {
  total.add(1);
  const { name } = currentProcess();
  if (depth === 0) return [name];
  const child = new Process({ target: nest, args: [depth - 1, total] }).start();
  return [name, ...await child.result()];
}

export function addInThread(total: Value<"i32">): void {
  total.add(1);
}

export async function startThreads(count: number, total: Value<"i32">): Promise<void> {
  const threads = Array.from({ length: count }, () => new Thread({ target: addInThread, args: [total] }).start());
  for (const thread of threads) await thread.join();
}

export function startAndForget(done: Queue<string>): void {
  new Process({ target: putLater, args: [done, "child"] }).start();
  new Thread({ target: putLater, args: [done, "thread"] }).start();
}

export function putLater(done: Queue<string>, what: string): void {
  sleepSync(100);
  done.putSync(what);
}

export function joinOther(other: Process<[Event]>): { joined: boolean; exitCode: number | undefined } {
  return { joined: other.joinSync({ timeout: 20_000 }), exitCode: other.exitCode };
}

export function killOther(other: Process<[Event]>): { joined: boolean; exitCode: number | undefined } {
  other.kill();
  return joinOther(other);
}

export async function childrenOfThis(): Promise<[string[], string[]]> {
  const child = new Process({ target: nothing, name: "the child" }).start();
  const before = activeChildren().map((each) => each.name);
  await child.join();
  return [before, activeChildren().map((each) => each.name)];
}

export function method(): string {
  return getStartMethod();
}

export class Doubler extends Process<[number], number> {
  factor = 2;
  label = new Map([["a", 1]]);

  constructor(factor: number, options: { args: [number] }) {
    super(options);
    this.factor = factor;
  }

  override run(x: number): number {
    return x * this.factor + this.label.get("a")!;
  }
}

/** Starts children that never end by themselves, and says their ids. */
export function startChildren(pids: Queue<number>, started: Event, never: Event): void {
  for (const target of [spin, idle]) {
    const child = new Process({ target, args: [started] }).start();
    pids.putSync(child.pid!);
  }
  pids.putSync(new Process({ target: block, args: [started, never] }).start().pid!);
  for (;;) sleepSync(1000);
}

export async function sleepWithHandler(started: Event): Promise<string> {
  const got = new Promise<string>((resolve) => process.on("SIGTERM", () => resolve("SIGTERM")));
  const timer = setTimeout(() => {}, 60_000);
  started.set();
  const signal = await got;
  clearTimeout(timer);
  return signal;
}

/** Counts the SIGTERMs that its handlers get, of each kind that the runtime has, and returns at the second. */
export async function countTerminates(started: Event, first: Event): Promise<number[]> {
  const counts = [0];
  const timer = setTimeout(() => {}, 60_000);
  await new Promise<void>((resolve) => {
    process.on("SIGTERM", () => {
      if (++counts[0]! === 1) first.set();
      else resolve();
    });
    if ("Deno" in globalThis) {
      counts.push(0);
      Deno.addSignalListener("SIGTERM", () => void counts[1]!++);
    }
    started.set();
  });
  // What would come twice had come by now.
  await new Promise((resolve) => setTimeout(resolve, 20));
  clearTimeout(timer);
  return counts;
}

/** Ends another process, and itself right after. */
export function terminateOther(other: Process<[Event]>): void {
  other.terminate();
}

/** Awaits what nothing brings. */
export function awaitNothing(): Promise<void> {
  return new Promise(() => {});
}

/** Here, since Bun imports no test file in a process. */
export function startInline(x: number): Process<[number], number> {
  return new Process({ target: (x: number) => x * 2, args: [x] }).start();
}

/** In a thread: starts a process, and ends before that does. */
export function startFromThread(done: Queue<string>): void {
  new Process({ target: putLater, args: [done, "from a thread"] }).start();
}

export function startAndJoinFromThread(): { exitCode: number | undefined; name: string } {
  const child = new Process({ target: add, args: [1, 2] }).start();
  child.joinSync();
  return { exitCode: child.exitCode, name: currentProcess().name };
}
