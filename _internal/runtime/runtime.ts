/**
 * The globals in which the runtimes differ, as far as the library uses them. Nothing is imported for that: a worker on
 * Deno pays ten milliseconds for `node:process`.
 *
 * @module
 */

import { notify, waitAsync } from "../atomics.ts";

/** What is used of `Deno`. */
export interface DenoGlobal {
  exit(code?: number): never;
  unrefTimer(id: number): void;
  errors: object;
}

/** What is used of `process`, on Bun and Node. */
export interface ProcessGlobal {
  exit(code?: number): never;
  getBuiltinModule(name: string): unknown;
  on(event: "exit" | "beforeExit", listener: (code: number) => void): void;
  on(event: "uncaughtException" | "unhandledRejection", listener: (error: unknown) => void): void;
}

/** On Deno. */
export const deno: DenoGlobal | undefined = (globalThis as { Deno?: DenoGlobal }).Deno;

/** Whether this is Bun. */
export const isBun: boolean = "Bun" in globalThis;

/**
 * Whether this thread may block: only the main thread of a browser may not. Programs that test pages elsewhere put a
 * `document` among the globals, too.
 */
export const mayBlock: boolean = !("document" in globalThis) || deno !== undefined || isBun ||
  typeof (globalThis as { process?: { versions?: { node?: string } } }).process?.versions?.node === "string";

/** On Bun and Node. */
export function nodeProcess(): ProcessGlobal {
  return (globalThis as unknown as { process: ProcessGlobal }).process;
}

/** The number of this process. */
export function pidOfThis(): number {
  // Not both at once: to look at `process` costs Deno ten milliseconds.
  const { Deno } = globalThis as unknown as { Deno?: { pid: number } };
  return (Deno ?? nodeProcess() as unknown as { pid: number }).pid;
}

// The variables of the environment.

/** All variables; none where this program may not read them all, and so cannot change them either. Never asks. */
export function environment(): Record<string, string> {
  if (deno === undefined) return { ...(nodeProcess() as unknown as { env: Record<string, string> }).env };
  const { permissions, env } = deno as unknown as {
    permissions: { querySync(descriptor: { name: "env" }): { state: string } };
    env: { toObject(): Record<string, string> };
  };
  return permissions.querySync({ name: "env" }).state === "granted" ? env.toObject() : {};
}

/** One variable; `undefined` where there is none or this program may not read it. Never asks. */
export function environmentVariable(name: string): string | undefined {
  if (deno === undefined) {
    return (nodeProcess() as unknown as { env?: Record<string, string> } | undefined)?.env?.[name];
  }
  const { permissions, env } = deno as unknown as {
    permissions: { querySync(descriptor: { name: "env"; variable: string }): { state: string } };
    env: { get(name: string): string | undefined };
  };
  return permissions.querySync({ name: "env", variable: name }).state === "granted" ? env.get(name) : undefined;
}

// How many processors there are.

/** Logical processors that this program may use; 1 where the runtime does not tell. */
export function cpuCount(): number {
  return globalThis.navigator?.hardwareConcurrency || 1;
}

// Writes a file.

/** Writes text to a file, at once. Deno asks for `--allow-write` of it. */
export function writeTextFile(path: string, text: string): void {
  const { Deno } = globalThis as { Deno?: { writeTextFileSync(path: string, text: string): void } };
  if (Deno !== undefined) {
    Deno.writeTextFileSync(path, text);
  } else {
    const fs = nodeProcess().getBuiltinModule("node:fs") as { writeFileSync(path: string, text: string): void };
    fs.writeFileSync(path, text);
  }
}

// Whether this is a Bun that still does something of which the library must know.

/** Whether this is Bun, and older than that version. */
export function isBunBefore(major: number, minor: number, patch: number): boolean {
  const { Bun } = globalThis as { Bun?: { version: string } };
  if (Bun === undefined) return false;
  const [itsMajor, itsMinor, itsPatch] = Bun.version.split(/[.+-]/).map(Number);
  return (itsMajor - major || itsMinor - minor || itsPatch - patch) < 0;
}

// Strings of one byte a character, made by the runtime.

interface BufferGlobal {
  prototype: { latin1Slice(this: Uint8Array, start: number, end: number): string };
}

const slice = isBun ? (globalThis as unknown as { Buffer: BufferGlobal }).Buffer.prototype.latin1Slice : undefined;

/**
 * The characters with the codes `bytes[start]` up to `bytes[end]`; `undefined` where nothing is quicker than a
 * `TextDecoder`. On Bun that one takes many times as long; on Deno `Buffer` would have to be loaded.
 */
export const latin1: ((bytes: Uint8Array, start: number, end: number) => string) | undefined = slice === undefined
  ? undefined
  : (bytes, start, end) => slice.call(bytes, start, end);

// Bytes as text.

const STEP = 8192;

/** Bytes in base64. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += STEP) text += String.fromCharCode(...bytes.subarray(i, i + STEP));
  return btoa(text);
}

/** The bytes again. */
export function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

// Timers that do not keep the program alive.

/** Lets the program end before a timer has fired. */
export function unrefTimer(timer: ReturnType<typeof setTimeout>): ReturnType<typeof setTimeout> {
  if (typeof timer === "number") deno?.unrefTimer(timer);
  else (timer as { unref(): void }).unref();
  return timer;
}

/**
 * Calls `run` after so many milliseconds, unless it is called off before. The program may end before that, and a test
 * runner that looks for timers which outlive a test does not find it: it is for what the library has of itself, which
 * no object of the program has to clean up.
 *
 * @returns Calls it off.
 */
export function later(run: () => void, ms: number): () => void {
  if (deno === undefined) {
    const timer = unrefTimer(setTimeout(run, ms));
    return () => clearTimeout(timer);
  }
  // Deno's test runner counts timers, also those that do not keep the program alive, but no waits. A wait of no time at all
  // is over before it begins, and has no promise.
  const word = new Int32Array(new SharedArrayBuffer(4));
  let calledOff = false;
  waitAsync(word, 0, 0, Math.max(1, ms))!.then(() => calledOff || run());
  return () => {
    calledOff = true;
    notify(word, 0, 1);
  };
}

/** Calls `run` in the next turn of Deno's event loop, unseen like {@linkcode later}. */
export function nextTurn(run: () => void): void {
  // setImmediate() would do, but to look at it costs twenty milliseconds.
  const word = new Int32Array(new SharedArrayBuffer(4));
  waitAsync(word, 0, 0)!.then(run);
  notify(word, 0, 1);
}

/** Deno looks at sockets only in an event loop that waits. To have it wait costs a millisecond: only each fourth turn does. */
const PATIENT = 4;
let turns = 0;

/** Resolves when timers that are due have been called, and now and then what sockets have brought. */
export function quickTurn(): Promise<void> {
  if (deno === undefined) return new Promise((resolve) => void setImmediate(resolve));
  return ++turns % PATIENT === 0 ? patientTurn() : new Promise(nextTurn);
}

/** Resolves when the event loop has waited for a moment, and called what is due. */
export function patientTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

declare function setImmediate(run: () => void): unknown;
