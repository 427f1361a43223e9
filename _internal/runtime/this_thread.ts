/**
 * The thread that calls, from inside: whether it is a worker, what its starter tells it, with which arguments the program was
 * called, whether it is importing the modules of its target, how it ends, what must be written before, and what follows its
 * async functions through their awaits.
 *
 * Workers from outside, as the thread that starts them has them, are in workers.ts.
 *
 * @module
 */

import { wait } from "../atomics.ts";
import { InvalidStateError } from "../errors.ts";
import { bun, deno, isBun, nodeProcess } from "./runtime.ts";

// In a worker.

/** Whether this module graph runs in a Web Worker and not in the main thread. */
export function isWorker(): boolean {
  return typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function" ||
    bun?.isMainThread === false;
}

/** Says what is done with messages from the thread that started this worker. */
export function onParentMessage(receive: (data: unknown) => void): void {
  (globalThis as unknown as Worker).onmessage = (event: MessageEvent): void => receive(event.data);
}

/** Sends a message to the thread that started this worker. */
export function postToParent(message: unknown): void {
  (globalThis as unknown as Worker).postMessage(message);
}

/** What is used of `node:fs`: what Linux tells of threads is in files. */
interface Files {
  readdirSync(path: string): string[];
  readlinkSync(path: string): string;
  existsSync(path: string): boolean;
}

let loaded: Files | undefined;

/**
 * How to read what the system tells of threads; `undefined` on Deno, which does not need it. Loaded only where it is needed:
 * that takes a worker longer than all of the library's own modules.
 */
export function threadFiles(): Files | undefined {
  if (isBun) loaded ??= nodeProcess().getBuiltinModule("node:fs") as Files;
  return loaded;
}

/** The number that Linux has for the calling thread; 0 on other systems, and on Deno. */
export function systemThreadId(): number {
  try {
    return Number(threadFiles()?.readlinkSync("/proc/thread-self").split("/").at(-1) ?? 0);
  } catch {
    return 0;
  }
}

// What the program was called with.

/** Whether `argv[1]` is the main module although the runtime was started on another. */
let isSet = false;

/** The program's arguments, behind its main module. */
export function programArguments(): string[] {
  if (deno !== undefined) return [...deno.args];
  const { argv } = nodeProcess();
  // `bun -e` has no module there.
  return argv.slice(bun !== undefined && !isSet && argv[1] !== bun.main ? 1 : 2);
}

/** What a worker that is started here is told so that {@linkcode takeArguments} finds it. */
export function workerArguments(): string[] | undefined {
  if (bun === undefined) return undefined;
  const { argv } = nodeProcess();
  return [isSet || argv[1] === bun.main ? argv[1] : bun.main, ...programArguments()];
}

/**
 * In a worker of Bun, which has what it was told behind its own module: puts the program's main module in place of that.
 * Deno's workers have the program's arguments by themselves.
 */
export function takeArguments(): void {
  if (!isBun) return;
  nodeProcess().argv.splice(1, 1);
  isSet = true;
}

/** In a child: its own main module is the library's, and the program's is `main`. */
export function setMainArgument(main: string | undefined): void {
  if (main === undefined) return;
  isSet = true;
  const process = nodeProcess();
  const { fileURLToPath } = process.getBuiltinModule("node:url") as { fileURLToPath(url: string): string };
  process.argv[1] = main.startsWith("file:") ? fileURLToPath(main) : main;
}

// While the modules of the target are imported, no shared object is to be made that each thread would have for itself.

let importing: string | undefined;
// Modules that were imported: to import them again runs nothing. Without this, what other async functions of the thread make
// meanwhile would seem to be made by the import.
const imported: Set<string> = new Set();

/** Whether the modules of this worker's target are being imported. */
export function isImportingTargets(): boolean {
  return importing !== undefined;
}

/** While that is so, what is imported and for which thread: `file:///x.ts was imported by Thread-1`. */
export function importingModule(): string | undefined {
  return importing;
}

/** Runs `load`, which imports `module` for the thread or process called `worker`. */
export async function whileImporting<T>(module: string, worker: string, load: () => Promise<T>): Promise<T> {
  if (imported.has(module)) return await load();
  const outer = importing;
  importing = `${module} was imported by ${worker}`;
  try {
    const loaded = await load();
    imported.add(module);
    return loaded;
  } finally {
    importing = outer;
  }
}

// A worker or process that is spare imports the modules of its target before it is told which thread or process it becomes.

let refuse: ((error: Error) => void) | undefined;

/** This is a spare that imports what it will run. `asked` is called when that asks which thread or process it is. */
export function beNobody(asked: (error: Error) => void): void {
  refuse = asked;
}

/** From here on it is known which thread or process this is. */
export function beSomebody(): void {
  refuse = undefined;
}

/** To be called before anything is told that differs from thread to thread, or process to process. */
export function requireIdentity(): void {
  refuse?.(
    new InvalidStateError("Cannot tell which thread or process this is as it is spare, and imports what it will run"),
  );
}

// The end.

/** Stops this worker at once: no `finally` of the program runs. In a worker that is what an exit does, on either runtime. */
export function exitThread(): never {
  if (deno !== undefined) deno.exit();
  else nodeProcess().exit();
  return halt();
}

// Deno's exit returns in a worker that was told to terminate already, as the workers of threads are whose starter ended before
// them: the runtime stops its code where it next looks, which is not here. Nothing of the program may run in a thread that
// others take for ended, so it stays here until the runtime gets to it.
function halt(): never {
  const words = new Int32Array(new SharedArrayBuffer(4));
  for (;;) wait(words, 0, 0, 10);
}

/** Ends the process that calls, with all its threads. */
export function exitProcess(code: number): never {
  return deno !== undefined ? deno.exit(code) : nodeProcess().exit(code);
}

/** The exit code that the program has set for the end of this process, as the system keeps it. */
export function exitCodeSet(): number {
  return Number((deno ?? nodeProcess()).exitCode ?? 0) & 0xff;
}

/** What the library still does when a worker ends or fails, whichever way. */
interface LastWords {
  /** Synchronous; the last thing that runs. */
  exit(code: number): void;
  /** An error that the program did not catch. */
  uncaught(error: unknown): void;
}

/** Says what is to be done when this worker exits or fails. */
export function onLastWords({ exit, uncaught }: LastWords): void {
  onExit(exit);
  if (deno === undefined) {
    nodeProcess().on("uncaughtException", uncaught);
    nodeProcess().on("unhandledRejection", uncaught);
  }
  // Under `bun test` this is all that comes, also for rejections.
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    uncaught(event.error);
  });
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    uncaught(event.reason);
  });
}

let exiting = false;

/** Whether this worker was told to exit, and stops where the runtime gets to it. Known only once the library listens for it. */
export function isExiting(): boolean {
  return exiting;
}

/** Says what is to be done when this worker exits in an orderly way; synchronous, and once. */
export function onExit(exit: (code: number) => void): void {
  let over = false;
  const once = (code: number): void => {
    exiting = true;
    if (over) return;
    over = true;
    exit(code);
  };
  if (deno === undefined) nodeProcess().on("exit", once);
  else globalThis.addEventListener("unload", () => once(deno!.exitCode));
}

/**
 * Says what is to be done when this thread of the program exits or fails in any way that lets it. May be called more than
 * once: an error is told before it is known whether the program handles it.
 */
export function onAnyEnd(end: () => void): void {
  onExit(end);
  // Deno sends no "unload" after these.
  if (deno === undefined) return;
  for (const type of ["error", "unhandledrejection"]) globalThis.addEventListener(type, end);
}

/** In the main thread: asks, when nothing is left that keeps the program alive, whether it is to go on all the same. */
export function onLoopEmpty(goOn: () => boolean): void {
  if (deno === undefined) {
    // What was begun in the listener is what goes on.
    nodeProcess().on("beforeExit", () => void goOn());
  } else {
    globalThis.addEventListener("beforeunload", (event) => {
      if (goOn()) event.preventDefault();
    });
  }
}

// What the program has written and the runtime has not.
//
// Deno writes at once. Bun keeps what a pipe does not take of `process.stdout` and `process.stderr` until its event loop
// gets to it, which it does not in a worker or process that exits; what `console` prints it writes at once.

/** Whether this runtime may have kept some output. */
export const keepsOutput: boolean = isBun;

/**
 * A program that uses a stream for the first time takes longer than this, since the runtime has to load it: ms. It takes 12
 * and more; to look whether it was done takes 0.04, which counts for tasks that take little more.
 */
export const FIRST_USE_MS = 4;

interface Sink {
  flush(): unknown;
}

const NAMES = ["stdout", "stderr"] as const;
const used: Set<typeof NAMES[number]> = new Set();

/** Whether the program was seen to use a stream. */
export function isOutputUsed(): boolean {
  return used.size > 0;
}

/** Resolves when all is written, or no reader is left. `undefined`: nothing is kept. */
export function pendingOutput(): Promise<void> | undefined {
  if (!keepsOutput) return undefined;
  if (used.size < NAMES.length) look();
  let pending: Promise<unknown>[] | undefined;
  for (const name of used) {
    const flushed = sinkOf(name)?.flush();
    if (flushed instanceof Promise) (pending ??= []).push(flushed.catch(() => {}));
  }
  return pending === undefined ? undefined : Promise.all(pending).then(() => {});
}

// To ask for a stream loads it, in 15 ms, so Bun is asked to describe what `process` has got.
function look(): void {
  const process = nodeProcess();
  const { describe } = process.getBuiltinModule("bun:jsc") as { describe(value: unknown): string };
  const description = describe(process);
  for (const name of NAMES) if (description.includes(`${name}:`)) used.add(name);
}

// What `process.stdout.write` of a file, pipe or terminal writes to; it says more than the stream.
// https://github.com/oven-sh/bun/blob/main/src/js/internal/fs/streams.ts (kWriteStreamFastPath)
function sinkOf(name: typeof NAMES[number]): Sink | undefined {
  const stream = (nodeProcess() as unknown as Record<string, Record<symbol, unknown>>)[name];
  const key = Object.getOwnPropertySymbols(stream).find(({ description }) => description === "kWriteStreamFastPath");
  const sink = key === undefined ? undefined : stream[key] as Partial<Sink> | null | boolean;
  return typeof sink === "object" && typeof sink?.flush === "function" ? sink as Sink : undefined;
}

// A value that follows an async function through its awaits.

/** What is used of `AsyncLocalStorage`. */
export interface AsyncContext<T> {
  run<R>(value: T, action: () => R): R;
  getStore(): T | undefined;
}

/** Calls a function with its arguments, in the context of the moment in which this was made. */
export type Snapshot = <A extends unknown[], R>(fn: (...args: A) => R, ...args: A) => R;

interface AsyncLocalStorage {
  new <T>(): AsyncContext<T>;
  snapshot(): Snapshot;
}

// Not imported but asked for, since few programs need it and loading it takes longer than all else.
function storage(): AsyncLocalStorage {
  return (nodeProcess().getBuiltinModule("node:async_hooks") as { AsyncLocalStorage: AsyncLocalStorage })
    .AsyncLocalStorage;
}

/** A new context. */
export function createAsyncContext<T>(): AsyncContext<T> {
  return new (storage())<T>();
}

/**
 * The context of the caller, for what the library calls later: there it would find that of the event or of the other task
 * that happened to be the occasion.
 */
export function snapshotContext(): Snapshot {
  return storage().snapshot();
}

/** `fn`, to be called later in the context of now. */
export function bindContext<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  const within = snapshotContext();
  return (...args) => within(fn, ...args);
}
