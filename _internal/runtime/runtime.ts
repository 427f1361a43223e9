/**
 * The globals of the runtimes as the library sees them, and functions for what is called differently on each of them: the
 * process, its environment, text and bytes, timers, and turns of the event loop. Modules, threads, and other processes have
 * files of their own in this folder.
 *
 * Nothing is imported for this. On Deno, importing `node:process` costs a worker ten milliseconds, and so does the first access to
 * the global `process`. So `deno` and `bun` are values, but {@linkcode nodeProcess} is a function.
 *
 * @module
 */

import { notify, whenChanged } from "../atomics.ts";
import { NotSupportedError } from "../errors.ts";

/** The part of `Deno` that this library uses. */
export interface DenoGlobal {
  readonly pid: number;
  readonly args: readonly string[];
  readonly build: { readonly os: string; readonly arch: string; readonly standalone?: boolean };
  readonly mainModule?: string;
  readonly env: { get(name: string): string | undefined; toObject(): Record<string, string> };
  readonly errors: { readonly NotCapable: new (message: string) => Error };
  readonly permissions: { querySync(descriptor: DenoPermission): { readonly state: string } };
  exitCode: number;
  exit(code?: number): never;
  unrefTimer(id: number): void;
  inspect?(value: unknown, options: object): string;
  readTextFileSync(path: URL): string;
  writeTextFileSync(path: string, text: string): void;
  execPath(): string;
  readonly Command: new (command: string, options: Record<string, unknown>) => { spawn(): DenoChild };
  addSignalListener(signal: string, listener: () => void): void;
  removeSignalListener(signal: string, listener: () => void): void;
}

/** A permission that the library queries. */
interface DenoPermission {
  readonly name: "env" | "ffi" | "read" | "sys";
  readonly kind?: string;
  readonly path?: URL;
  readonly variable?: string;
}

/** A process that Deno started. */
interface DenoChild {
  readonly pid: number;
  readonly status: Promise<{ readonly code: number; readonly signal: string | null }>;
  ref(): void;
  unref(): void;
}

/** The part of `Bun` that this library uses. */
interface BunGlobal {
  readonly version: string;
  readonly main: string;
  readonly isMainThread: boolean;
  readonly isStandaloneExecutable?: boolean;
  readonly Transpiler: new (options: { loader: string; target?: string }) => {
    transformSync(source: string): string;
    scanImports(source: string): { path: string; kind: string }[];
  };
  resolveSync(specifier: string, folder: string): string;
  fileURLToPath(url: URL): string;
  spawn(options: Record<string, unknown>): BunChild;
}

/** A process that Bun started. */
interface BunChild {
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  ref(): void;
  unref(): void;
}

/** The part of `process` that this library uses. */
export interface ProcessGlobal {
  readonly pid: number;
  readonly argv: string[];
  readonly execArgv: readonly string[];
  readonly env: Record<string, string>;
  readonly execPath: string;
  readonly exitCode?: number | string;
  readonly platform: string;
  readonly arch: string;
  readonly version: string;
  readonly versions: { readonly node?: string };
  readonly permission?: { has(name: string): boolean };
  nextTick: (action: () => void) => void;
  cwd(): string;
  chdir(folder: string): void;
  getActiveResourcesInfo(): string[];
  exit(code?: number): never;
  getBuiltinModule(name: string): unknown;
  memoryUsage(): { rss: number; heapUsed: number };
  on(event: "exit" | "beforeExit", listener: (code: number) => void): void;
  on(event: "uncaughtException" | "unhandledRejection", listener: (error: unknown) => void): void;
}

const host = globalThis as unknown as {
  readonly Deno?: DenoGlobal;
  readonly Bun?: BunGlobal;
  readonly process?: ProcessGlobal;
};

/** The global `Deno`, on Deno. */
export const deno: DenoGlobal | undefined = host.Deno;

/** The global `Bun`, on Bun. */
export const bun: BunGlobal | undefined = host.Bun;

/** Whether this is Bun. */
export const isBun: boolean = bun !== undefined;

/** Whether this is Node. */
export const isNode: boolean = deno === undefined && !isBun && typeof host.process?.versions?.node === "string";

/**
 * Whether this is a browser: there is neither Deno nor Bun nor Node. It is not enough to look for `document`: a worker has none, and
 * programs that test web pages on another runtime define it too. A bundler may define `process`, without Node's version.
 */
export const isBrowser: boolean = deno === undefined && !isBun && !isNode;

/** The global `process`, on Bun and Node. The first access to it on Deno takes ten milliseconds. */
export function nodeProcess(): ProcessGlobal {
  return host.process!;
}

/** Whether this is a Bun older than the given version. It then has a fault that the library must work around. */
export function isBunBefore(major: number, minor: number, patch: number): boolean {
  if (bun === undefined) return false;
  const [itsMajor, itsMinor, itsPatch] = bun.version.split(/[.+-]/).map(Number);
  return (itsMajor - major || itsMinor - minor || itsPatch - patch) < 0;
}

/**
 * Whether a worker's `terminate` stops running code: in browsers, on Node, and on Bun since 1.3.13. On Deno the code
 * goes on.
 */
export const TERMINATE_STOPS_CODE: boolean = isBrowser || isNode || isBun && !isBunBefore(1, 3, 13);

/** Throws a `NotSupportedError` in a browser. `action`: what cannot be done there, `why`: what it lacks. */
export function refuseInBrowser(action: string, why: string): void {
  if (isBrowser) throw new NotSupportedError(`Cannot ${action} as a browser ${why}`);
}

/**
 * Throws a `NotSupportedError` in a single executable of Node: its main module has no file or URL with which a worker could begin.
 */
export function refuseSingleExecutable(): void {
  const sea = isNode ? nodeProcess().getBuiltinModule("node:sea") as { isSea(): boolean } | undefined : undefined;
  if (sea?.isSea() !== true) return;
  throw new NotSupportedError(
    "Cannot start threads or processes as this is a single executable of Node, whose main module no thread can import: run the bundle with 'node', or compile it with 'bun build --compile'",
  );
}

/**
 * Throws a `NotSupportedError` if this is a page that may not share memory, or a browser that lacks what the library cannot do
 * without. Browsers share memory only in pages whose server asks for it.
 */
export function requireSharing(): void {
  if (!isBrowser) return;
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (typeof SharedArrayBuffer === "undefined" || crossOriginIsolated === false) {
    throw new NotSupportedError(
      "Cannot share memory as this page is not cross-origin isolated: serve it with the headers 'Cross-Origin-Opener-Policy: same-origin' and 'Cross-Origin-Embedder-Policy: require-corp', over HTTPS or from localhost",
    );
  }
  const missing = typeof Atomics.waitAsync !== "function"
    ? "Atomics.waitAsync"
    : typeof Symbol.dispose !== "symbol"
    ? "Symbol.dispose"
    : undefined;
  if (missing === undefined) return;
  throw new NotSupportedError(
    `Cannot share memory as this browser lacks ${missing}: it needs Chrome 134, Firefox 145 or a newer version`,
  );
}

/** Whether this thread may block. Only the main thread of a browser may not. */
export const mayBlock: boolean = !isBrowser || !("document" in globalThis);

/** The number of this process. */
export function pidOfThis(): number {
  return (deno ?? nodeProcess()).pid;
}

/** The number of logical processors that this program may use; 1 if the runtime does not tell. */
export function cpuCount(): number {
  return globalThis.navigator?.hardwareConcurrency || 1;
}

/** The bytes in use: the heap of this thread, or everything that this process has in the machine's memory. */
export function memoryInUse(scope: "thread" | "process"): number {
  const { rss, heapUsed } = nodeProcess().memoryUsage();
  return scope === "thread" ? heapUsed : rss;
}

/** All variables of the environment; empty if this program may not read all of them. Never asks for permission. */
export function environment(): Record<string, string> {
  if (deno === undefined) return { ...nodeProcess().env };
  return deno.permissions.querySync({ name: "env" }).state === "granted" ? deno.env.toObject() : {};
}

/** A variable of the environment; `undefined` if it is not set, or this program may not read it. Never asks for permission. */
export function environmentVariable(name: string): string | undefined {
  if (deno === undefined) return host.process?.env?.[name];
  const { state } = deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? deno.env.get(name) : undefined;
}

/** Writes text to a file, synchronously. On Deno this needs `--allow-write`. */
export function writeTextFile(path: string, text: string): void {
  if (deno !== undefined) {
    deno.writeTextFileSync(path, text);
  } else {
    const fs = nodeProcess().getBuiltinModule("node:fs") as { writeFileSync(path: string, text: string): void };
    fs.writeFileSync(path, text);
  }
}

// Bytes as text.

/** How many characters one call makes. */
const STEP = 8192;

/** Bytes in base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += STEP) text += String.fromCharCode(...bytes.subarray(i, i + STEP));
  return btoa(text);
}

/** The inverse of {@linkcode toBase64}. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// Timers and turns of the event loop.

/** Lets the program end before a timer has fired. */
export function unrefTimer(timer: ReturnType<typeof setTimeout>): ReturnType<typeof setTimeout> {
  if (typeof timer === "number") deno?.unrefTimer(timer);
  else (timer as { unref(): void }).unref();
  return timer;
}

/**
 * Calls `run` after `ms` milliseconds, unless it is cancelled before. It does not keep the program alive, and a test runner that
 * reports timers which outlive a test does not see it. It is for timers of the library itself, which no object of the program
 * could clean up.
 *
 * @returns Cancels the call.
 */
export function later(run: () => void, ms: number): () => void {
  if (deno === undefined) {
    const timer = unrefTimer(setTimeout(run, ms));
    return () => clearTimeout(timer);
  }
  // Deno's test runner counts timers, even those that do not keep the program alive, but it does not count waits. A wait of 0 ms
  // ends before it begins and has no promise, so it waits for at least 1 ms.
  const word = new Int32Array(new SharedArrayBuffer(4));
  let calledOff = false;
  whenChanged(word, 0, 0, Math.max(1, ms))!.then(() => calledOff || run());
  return () => {
    calledOff = true;
    notify(word, 0, 1);
  };
}

/** Calls `run` in the next turn of Deno's event loop. Like {@linkcode later}, it is not seen by a test runner. */
export function nextTurn(run: () => void): void {
  // setImmediate() would do, but the first access to it costs twenty milliseconds.
  const word = new Int32Array(new SharedArrayBuffer(4));
  whenChanged(word, 0, 0)!.then(run);
  notify(word, 0, 1);
}

/** Deno polls sockets only in a turn of the event loop that waits. Such a turn costs a millisecond, so only each fourth one waits. */
const PATIENT = 4;
let turns = 0;

/** Resolves when timers that are due have been called and, in some of the turns, what sockets have received. */
export function quickTurn(): Promise<void> {
  if (isBrowser) return messageTurn();
  if (deno === undefined) return new Promise((resolve) => void setImmediate(resolve));
  return ++turns % PATIENT === 0 ? patientTurn() : new Promise(nextTurn);
}

/** Resolves when the event loop has waited for a moment and called everything that is due. */
export function patientTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

let port: MessagePort | undefined;
const inTurn: (() => void)[] = [];

// Browsers delay timers that follow each other by 4 ms. They do not delay messages.
function messageTurn(): Promise<void> {
  if (port === undefined) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => inTurn.shift()?.();
    port = port2;
  }
  return new Promise((resolve) => {
    inTurn.push(resolve);
    port!.postMessage(undefined);
  });
}

declare function setImmediate(run: () => void): unknown;
