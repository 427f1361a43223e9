/**
 * The calling thread, seen from inside: whether it is a worker, messages with its starter, the arguments of the program, whether
 * it is importing the modules of its target, how it ends, output that must be written before that, and values that follow its
 * async functions through their awaits.
 *
 * Workers from the side of the thread that starts them are in workers.ts.
 *
 * @module
 */

import { wait } from "../atomics.ts";
import { InvalidStateError } from "../errors.ts";
import { bun, deno, isBrowser, isBun, isNode, nodeProcess } from "./runtime.ts";

// In a worker.

/** The part of `node:worker_threads` that is used in a worker. */
interface NodeThreads {
  readonly isMainThread: boolean;
  readonly parentPort: {
    postMessage(message: unknown): void;
    on(event: "message", listener: (data: unknown) => void): void;
  };
}

/** On Node, where a worker has no global functions for messages. */
const nodeThreads = isNode ? nodeProcess().getBuiltinModule("node:worker_threads") as NodeThreads : undefined;

/** What a worker of a browser does, in a module of its own, which no other runtime loads: see browser_workers.ts. */
interface BrowserWorker {
  /** Sets what is done with messages from the starter. */
  receive(receive: (data: unknown) => void): void;
  post(message: unknown): void;
  /** Has the worker stopped. */
  leave(): void;
}

let browserWorker: BrowserWorker | undefined;

/** Sets what a worker of a browser does, before it does anything else. */
export function setBrowserWorker(calls: BrowserWorker): void {
  browserWorker = calls;
}

/** Whether this module graph runs in a Web Worker and not in the main thread. */
export function isWorker(): boolean {
  return typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function" ||
    bun?.isMainThread === false || nodeThreads?.isMainThread === false;
}

/** Messages that arrived before there was a function for them. */
const held: unknown[] = [];

/** Keeps messages from the thread that started this worker until {@linkcode onParentMessage} is called. */
export function holdMessages(): void {
  // Node keeps them by itself.
  if (nodeThreads !== undefined) return;
  onParentMessage((data) => void held.push(data));
}

/** Sets what is done with messages from the thread that started this worker. */
export function onParentMessage(receive: (data: unknown) => void): void {
  if (nodeThreads !== undefined) {
    nodeThreads.parentPort.on("message", receive);
    return;
  }
  if (browserWorker !== undefined) browserWorker.receive(receive);
  else (globalThis as unknown as Worker).onmessage = (event: MessageEvent): void => receive(event.data);
  for (const data of held.splice(0)) receive(data);
}

/** Sends a message to the thread that started this worker. */
export function postToParent(message: unknown): void {
  if (browserWorker !== undefined) browserWorker.post(message);
  else (nodeThreads?.parentPort ?? globalThis as unknown as Worker).postMessage(message);
}

/** The part of `node:fs` that this library uses: Linux describes threads in files. */
interface Files {
  readdirSync(path: string): string[];
  readlinkSync(path: string): string;
  existsSync(path: string): boolean;
}

let loaded: Files | undefined;

/**
 * The functions that read what the system knows of threads; `undefined` on Deno, which does not need them. They are loaded only
 * when they are needed, because that takes a worker longer than to load all of the library's own modules.
 */
export function threadFiles(): Files | undefined {
  if (isBun || isNode) loaded ??= nodeProcess().getBuiltinModule("node:fs") as Files;
  return loaded;
}

/** The number of the calling thread on Linux; 0 on other systems, and on Deno. */
export function systemThreadId(): number {
  try {
    return Number(threadFiles()?.readlinkSync("/proc/thread-self").split("/").at(-1) ?? 0);
  } catch {
    return 0;
  }
}

// The arguments of the program.

/** Whether `argv[1]` is the program's main module, although the runtime was started with another module. */
let isSet = false;

/** The program's arguments, which follow its main module. */
export function programArguments(): string[] {
  if (deno !== undefined) return [...deno.args];
  return nodeProcess().argv.slice(hasMainArgument() ? 2 : 1);
}

// With `bun -e` and `node -e` there is no module at that place.
function hasMainArgument(): boolean {
  if (isSet) return true;
  return bun !== undefined ? nodeProcess().argv[1] === bun.main : !isTypedIntoNode();
}

// `node -e`, `node -p`. A worker gets these flags too, although its first argument is a module.
function isTypedIntoNode(): boolean {
  return nodeProcess().execArgv.some((flag) => /^(?:-e|-p|-pe|--eval|--print)(?:=|$)/.test(flag));
}

/** The path of the program's main module, on Bun and Node. The path of a text that is typed in names no file. */
export function mainPath(): string | undefined {
  const { argv, cwd } = nodeProcess();
  if (isSet) return argv[1];
  if (bun !== undefined) return bun.main;
  // The prompt, and a program on standard input, have no argument for it.
  if (isTypedIntoNode() || argv[1] === undefined || argv[1] === "-") return `${cwd()}/[eval1]`;
  return isNode ? realPath(argv[1]) : argv[1];
}

// The path may lack its extension, or lead through a link. Modules know themselves by the path of the file.
function realPath(path: string): string {
  const { createRequire } = nodeProcess().getBuiltinModule("node:module") as {
    createRequire(path: string): { resolve(path: string): string };
  };
  try {
    return createRequire(path).resolve(path);
  } catch {
    return path;
  }
}

/** The arguments of a worker that is started here. {@linkcode takeArguments} reads them there. */
export function workerArguments(): string[] | undefined {
  if (!isBun && !isNode) return undefined;
  return [mainPath()!, ...programArguments()];
}

/**
 * In a worker of Bun or Node, whose arguments follow its own module: puts the program's main module in the place of that
 * module. Deno's workers have the arguments of the program without this.
 */
export function takeArguments(): void {
  if (!isBun && !isNode || isSet) return;
  nodeProcess().argv.splice(1, 1);
  isSet = true;
}

/** In a child process, whose own main module is the library's: sets the main module of the program. */
export function setMainArgument(main: string | undefined): void {
  if (main === undefined) return;
  isSet = true;
  const process = nodeProcess();
  const { fileURLToPath } = process.getBuiltinModule("node:url") as { fileURLToPath(url: string): string };
  process.argv[1] = main.startsWith("file:") ? fileURLToPath(main) : main;
}

// While the modules of the target are imported, no shared object may be created: each thread would have one of its own.

let importing: string | undefined;
const ADVICE = "put the main part of the program under if (import.meta.main)";
let advice: string | undefined;
// Modules that have been imported. Importing them again runs no code. Without this set, a shared object that another async
// function creates at that moment would be blamed on the import.
const imported: Set<string> = new Set();

/** Whether the modules of this worker's target are being imported. */
export function isImportingTargets(): boolean {
  return importing !== undefined;
}

/** The module that is being imported, and for which thread: `file:///x.ts was imported by Thread-1`; else `undefined`. */
export function importingModule(): string | undefined {
  return importing;
}

/** What to do if a thread or process cannot be started while modules of this worker's target are imported. */
export function importAdvice(): string {
  return advice ?? ADVICE;
}

/** Sets that this worker is being loaded, and what to do if that keeps it from something; `undefined` when it is loaded. */
export function setImporting(what: string | undefined, then: string | undefined): void {
  importing = what;
  advice = then;
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

// A spare worker or process imports the modules of its target before it knows which thread or process it becomes.

let refuse: ((error: Error) => void) | undefined;

/** Notes that this is a spare that imports what it will run. `asked` is called when a module asks which thread or process it is. */
export function becomeSpare(asked: (error: Error) => void): void {
  refuse = asked;
}

/** Notes that this is a thread or process, and no spare any more. */
export function leaveSpare(): void {
  refuse = undefined;
}

/** Call it before anything is returned that differs from thread to thread, or from process to process. */
export function requireIdentity(): void {
  refuse?.(
    new InvalidStateError("Cannot tell which thread or process this is as it is a spare that imports what it will run"),
  );
}

// The end.

/** Stops this worker at once. No `finally` of the program runs: that is what an exit does in a worker, on both runtimes. */
export function exitThread(): never {
  if (deno !== undefined) deno.exit();
  else if (isBrowser) exitInBrowser();
  else exitDespiteListeners();
  return halt();
}

// On Bun and Node.
function exitDespiteListeners(): void {
  try {
    nodeProcess().exit();
  } catch (error) {
    reportListener(error);
    // The next call emits no event.
    nodeProcess().exit();
  }
}

/** Prints an error of a listener of the program that was called while this worker exited. The thread has ended, so it cannot fail. */
export function reportListener(error: unknown): void {
  console.error("Exception in a listener of a thread's exit:", error);
}

function exitInBrowser(): void {
  for (const exit of exits.splice(0)) exit(0);
  if (browserWorker !== undefined) browserWorker.leave();
  else globalThis.close();
}

// In a worker that was already told to terminate, Deno's exit returns. That is so if its starter ended before it. Deno then stops
// the code a little later, but not here. Other threads take this thread for ended, so no code of the program may run in it: it
// waits here until Deno stops it.
function halt(): never {
  const words = new Int32Array(new SharedArrayBuffer(4));
  for (;;) wait(words, 0, 0, 10);
}

/** Ends the calling process, with all its threads. */
export function exitProcess(code: number): never {
  return deno !== undefined ? deno.exit(code) : nodeProcess().exit(code);
}

/** The exit code that the program has set for this process, as the system would report it. */
export function exitCodeSet(): number {
  return Number((deno ?? nodeProcess()).exitCode ?? 0) & 0xff;
}

/** What the library still does when a worker ends or fails, for any reason. */
interface LastWords {
  /** Synchronous. Only listeners of the program for the exit may run after it, those that it has registered later. */
  exit(code: number): void;
  /** An error that the program did not catch. */
  uncaught(error: unknown): void;
}

/** Sets what is done when this worker exits or fails. */
export function onLastWords({ exit, uncaught }: LastWords): void {
  onExit(exit);
  if (deno === undefined && !isBrowser) {
    nodeProcess().on("uncaughtException", uncaught);
    nodeProcess().on("unhandledRejection", uncaught);
  }
  if (isNode) return;
  // Under `bun test` only these events come, also for rejections.
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

/** Whether this worker was told to exit, and the runtime has yet to stop it. Known only once the library listens for exits. */
export function isExiting(): boolean {
  return exiting;
}

/** In a worker in a browser: what is done when it exits. No event says so there. */
const exits: ((code: number) => void)[] = [];

/** Sets what is done when this worker exits in an orderly way. It is synchronous, and called once. */
export function onExit(exit: (code: number) => void): void {
  let over = false;
  const once = (code: number): void => {
    exiting = true;
    if (over) return;
    over = true;
    exit(code);
  };
  if (isBrowser) exits.push(once);
  else if (deno === undefined) nodeProcess().on("exit", once);
  else globalThis.addEventListener("unload", () => once(deno!.exitCode));
}

/**
 * Sets what is done when this thread of the program exits or fails, as far as code can run then. It may be called more than
 * once, because an error is reported before it is known whether the program handles it.
 */
export function onAnyEnd(end: () => void): void {
  onExit(end);
  // After these events Deno sends no "unload".
  if (deno === undefined) return;
  for (const type of ["error", "unhandledrejection"]) globalThis.addEventListener(type, end);
}

/** In the main thread: sets the function that decides, when nothing else keeps the program alive, whether it goes on. */
export function onLoopEmpty(goOn: () => boolean): void {
  // A page does not end by itself.
  if (isBrowser) return;
  if (deno === undefined) {
    // If the listener starts something, that keeps the program alive.
    nodeProcess().on("beforeExit", () => void goOn());
  } else {
    globalThis.addEventListener("beforeunload", (event) => {
      if (goOn()) event.preventDefault();
    });
  }
}

// Output that the program has written, but the runtime has not.
//
// Deno writes at once. If a pipe does not take all of what is written to `process.stdout` or `process.stderr`, Bun and Node keep
// the rest until their event loop can write it, and lose it in a process that exits before, Bun also in a worker. What `console`
// prints is written at once on Bun. On Node it is kept like the rest.

/** Whether this runtime may keep some output of this thread back. */
export const keepsOutput: boolean = isBun || nodeThreads?.isMainThread === true;

/**
 * A task that uses a stream for the first time takes more milliseconds than this on Bun, which has to load the stream. That
 * takes 12 and more. To check for it takes 0.04, which would be too much for tasks that take little longer.
 */
export const FIRST_USE_MS = 4;

interface Sink {
  flush(): unknown;
}

/** The part of `node:fs` that is about streams. */
interface StreamFiles {
  writeSync(fd: number, bytes: Uint8Array): number;
}

/** One of Node's streams. */
interface NodeStream {
  readonly writableLength: number;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  write(text: string, written: () => void): void;
  end(written: () => void): void;
  _writev: unknown;
}

/** A piece of what was written to a stream: bytes, or text and its encoding. */
interface Chunk {
  readonly chunk: Uint8Array | string;
  readonly encoding: string;
}

/** How many milliseconds a thread waits for the reader of a pipe that is full. */
const FULL_MS = 2;

/**
 * On Node, in a worker of this library: has `process.stdout` and `process.stderr` write at once. Node would send what a worker
 * writes to the main thread. The main thread prints it when its event loop turns, takes a second piece only when the worker's
 * event loop turns as well, and prints nothing if the program ends before.
 */
export function writeAtOnce(): void {
  if (nodeThreads === undefined) return;
  const { writeSync } = nodeProcess().getBuiltinModule("node:fs") as StreamFiles;
  const { Buffer } = nodeProcess().getBuiltinModule("node:buffer") as {
    Buffer: { from(text: string, encoding: string): Uint8Array };
  };
  for (const [i, name] of NAMES.entries()) {
    // The method by which a stream hands over what it was given. No prototype changes: other workers' streams stay as they are.
    nodeStream(name)._writev = (chunks: readonly Chunk[], done: () => void): void => {
      for (const { chunk, encoding } of chunks) {
        writeAll(writeSync, i + 1, typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk);
      }
      done();
    };
  }
}

function nodeStream(name: typeof NAMES[number]): NodeStream {
  return (nodeProcess() as unknown as Record<string, NodeStream>)[name]!;
}

function writeAll(writeSync: StreamFiles["writeSync"], fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(fd, bytes.subarray(at));
    } catch (error) {
      // Node's main thread makes a pipe non-blocking. After another error no reader is left.
      if ((error as { code?: unknown }).code !== "EAGAIN") return;
      wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_MS);
    }
  }
}

const NAMES = ["stdout", "stderr"] as const;
const used: Set<typeof NAMES[number]> = new Set();

/** Whether the program may use a stream: on Bun, as far as {@linkcode pendingOutput} has seen. On Node a check takes 0.3 µs. */
export function isOutputUsed(): boolean {
  return isNode || used.size > 0;
}

/** Resolves when all output is written, or no reader is left. `undefined` if nothing is kept back. */
export function pendingOutput(): Promise<void> | undefined {
  if (!keepsOutput) return undefined;
  if (isNode) return pendingOnNode();
  if (used.size < NAMES.length) look();
  let pending: Promise<unknown>[] | undefined;
  for (const name of used) {
    const flushed = sinkOf(name)?.flush();
    if (flushed instanceof Promise) (pending ??= []).push(flushed.catch(() => {}));
  }
  return pending === undefined ? undefined : Promise.all(pending).then(() => {});
}

// The first access to `process.stdout` loads the stream, which takes 6 ms. While it keeps something back, a write is under way.
function pendingOnNode(): Promise<void> | undefined {
  const process = nodeProcess();
  if (!process.getActiveResourcesInfo().some((name) => name.endsWith("WriteWrap"))) return undefined;
  const pending: Promise<void>[] = [];
  for (const name of NAMES) {
    const stream = nodeStream(name);
    if (stream.writableLength === 0 || stream.destroyed) continue;
    pending.push(
      new Promise((resolve) => {
        const written = (): void => resolve();
        // A stream that the program has ended still writes what it has, but takes nothing more.
        if (stream.writableEnded) stream.end(written);
        else stream.write("", written);
      }),
    );
  }
  return pending.length === 0 ? undefined : Promise.all(pending).then(() => {});
}

// Reading `process.stdout` would load the stream, which takes 15 ms. So Bun is asked to describe the properties of `process`.
function look(): void {
  const process = nodeProcess();
  const { describe } = process.getBuiltinModule("bun:jsc") as { describe(value: unknown): string };
  const description = describe(process);
  for (const name of NAMES) if (description.includes(`${name}:`)) used.add(name);
}

// The object to which `process.stdout.write` writes, for a file, pipe, or terminal. Its flush() says more than the stream does.
// https://github.com/oven-sh/bun/blob/main/src/js/internal/fs/streams.ts (kWriteStreamFastPath)
function sinkOf(name: typeof NAMES[number]): Sink | undefined {
  const stream = (nodeProcess() as unknown as Record<string, Record<symbol, unknown>>)[name];
  const key = Object.getOwnPropertySymbols(stream).find(({ description }) => description === "kWriteStreamFastPath");
  const sink = key === undefined ? undefined : stream[key] as Partial<Sink> | null | boolean;
  return typeof sink === "object" && typeof sink?.flush === "function" ? sink as Sink : undefined;
}

// Values that follow an async function through its awaits.

/** The part of an `AsyncLocalStorage` that this library uses. */
export interface AsyncContext<T> {
  run<R>(value: T, action: () => R): R;
  getStore(): T | undefined;
}

/** Calls a function with its arguments, in the context in which this snapshot was taken. */
export type Snapshot = <A extends unknown[], R>(fn: (...args: A) => R, ...args: A) => R;

interface AsyncLocalStorage {
  new <T>(): AsyncContext<T>;
  snapshot(): Snapshot;
}

/** In a browser nothing follows a function through its awaits: the value lasts until the first of them. */
class UntilAwait<T> implements AsyncContext<T> {
  #value: T | undefined;

  run<R>(value: T, action: () => R): R {
    const outer = this.#value;
    this.#value = value;
    try {
      return action();
    } finally {
      this.#value = outer;
    }
  }

  getStore(): T | undefined {
    return this.#value;
  }
}

// Not imported: few programs need it, and loading it takes longer than to load everything else.
function storage(): AsyncLocalStorage {
  return (nodeProcess().getBuiltinModule("node:async_hooks") as { AsyncLocalStorage: AsyncLocalStorage })
    .AsyncLocalStorage;
}

/** Creates a context. */
export function createAsyncContext<T>(): AsyncContext<T> {
  if (isBrowser) return new UntilAwait();
  return new (storage())<T>();
}

/**
 * The context of the caller. The library uses it for functions that it calls later. Without it they would run in the context of
 * the event, or of another task, in which they happen to be called.
 */
export function snapshotContext(): Snapshot {
  if (isBrowser) return (fn, ...args) => fn(...args);
  return storage().snapshot();
}

/** Makes a function that calls `fn` in the current context. */
export function bindContext<A extends unknown[], R>(fn: (...args: A) => R): (...args: A) => R {
  const within = snapshotContext();
  return (...args) => within(fn, ...args);
}
