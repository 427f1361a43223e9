/**
 * A program that may be bundled or compiled: `PROGRAM WHAT` does one thing and prints what came of it, and "main" each time its
 * main part runs. A line goes to the file that `MARKS` names each time the program begins.
 */

import {
  activeChildren,
  freezeSupport,
  getContext,
  Lock,
  Pool as ProcessPool,
  Process,
  Queue,
  Value,
} from "@weft/concurrent/multiprocessing";
import { Pool as ThreadPool, Thread, Value as ThreadValue } from "@weft/concurrent/threading";
import { appendFileSync } from "node:fs";
import process from "node:process";

const marks = process.env.MARKS;
if (marks !== undefined) appendFileSync(marks, `${process.pid}\n`);

export function square(x: number): number {
  return x * x;
}

export async function nested(x: number): Promise<number> {
  return await new Process({ target: square, args: [x] }).start().result() +
    await new Thread({ target: square, args: [x] }).start().result();
}

export async function threadOfThread(x: number): Promise<number> {
  return await new Thread({ target: square, args: [x] }).start().result();
}

export function add(total: Value<"i32"> | ThreadValue<"i32">, lock: Lock | undefined): void {
  using _guard = lock?.acquireSync();
  total.value += 1;
}

export function args(): string[] {
  return process.argv.slice(2);
}

export async function stay(queue: Queue<number>): Promise<void> {
  await queue.put(process.pid);
  await new Promise((resolve) => setTimeout(resolve, 100_000));
}

let setUp = 0;
export function prepare(x: number): void {
  setUp = x;
}
export function prepared(x: number): number {
  return setUp + x;
}

export class Doubled extends Thread<[number], number> {
  factor = 2;
  override run(x: number): number {
    return x * this.factor;
  }
}

export class Tripled extends Process<[number], number> {
  factor = 3;
  override run(x: number): number {
    return x * this.factor;
  }
}

// Not given to freezeSupport().
function forgotten(x: number): number {
  return square(x) + 1;
}

await freezeSupport({ square, nested, threadOfThread, add, args }, { stay, prepare, prepared, Doubled, Tripled });

const WHAT: Record<string, () => Promise<unknown>> = {
  thread: () => new Thread({ target: square, args: [3] }).start().result(),
  process: () => new Process({ target: square, args: [3] }).start().result(),
  async threads() {
    await using pool = new ThreadPool(2, { initializer: prepare, initargs: [100] });
    return [await pool.map(square, [1, 2, 3]), await pool.apply(prepared, [1]), await pool.map((x) => x + 1, [1, 2])];
  },
  async processes() {
    await using pool = new ProcessPool(2, { initializer: prepare, initargs: [100] });
    return [await pool.map(square, [1, 2, 3]), await pool.apply(prepared, [1]), await pool.map((x) => x + 1, [1, 2])];
  },
  sync() {
    const thread = new Thread({ target: square, args: [3] }).start();
    const child = new Process({ target: square, args: [4] }).start();
    thread.joinSync();
    child.joinSync();
    return Promise.all([thread.result(), child.result(), child.exitCode]);
  },
  nested: () => new Process({ target: nested, args: [3] }).start().result(),
  threadOfThread: () => new Thread({ target: threadOfThread, args: [3] }).start().result(),
  subclasses: () =>
    Promise.all([new Doubled({ args: [3] }).start().result(), new Tripled({ args: [3] }).start().result()]),
  async shared() {
    const lock = new Lock();
    const total = new Value("i32");
    const threads = new ThreadValue("i32");
    const all = [1, 2, 3].flatMap(() => [
      new Process({ target: add, args: [total, lock] }).start(),
      new Thread({ target: add, args: [total, lock] }).start(),
    ]);
    for (const each of all) await each.join();
    await new Thread({ target: add, args: [threads, undefined] }).start().join();
    return [total.value, threads.value];
  },
  async args() {
    return [
      process.argv.slice(2),
      await new Thread({ target: args }).start().result(),
      await new Process({ target: args }).start().result(),
    ];
  },
  async forkserver() {
    const context = getContext("forkserver");
    const results: unknown[] = [];
    for (let x = 0; x < 4; x++) results.push(await new context.Process({ target: square, args: [x] }).start().result());
    return results;
  },
  forgotten: () => new Thread({ target: forgotten, args: [3] }).start().result(),
  async stay() {
    const queue = new Queue<number>();
    const children = [1, 2].map(() => new Process({ target: stay, args: [queue] }).start());
    const pids = [await queue.get(), await queue.get()];
    console.log(JSON.stringify(pids), activeChildren().length === children.length);
    await children[0]!.join();
    return 0;
  },
};

if (import.meta.main) {
  console.log("main");
  try {
    console.log(JSON.stringify(await WHAT[process.argv[2]!]!()));
  } catch (error) {
    console.log(`${(error as Error).name}: ${(error as Error).message}`);
  }
}
