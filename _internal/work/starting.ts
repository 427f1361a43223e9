/**
 * What a thread or process gets from its starter, and what the starter prints if the thread or process does not begin.
 *
 * A payload is a sequence of bytes: a head, as JSON, which says what function to run; then the arguments, as `encode` wrote
 * them. The arguments are decoded after the modules of the function were imported, because these modules may register how
 * classes are sent. Besides the payload, a worker and the thread that started it exchange a few messages.
 *
 * A thread that does not reach its function is usually stuck in a module. How such a module is found and named is described
 * below.
 *
 * @module
 */

import { compareExchange, load, now, store } from "../atomics.ts";
import { dropReferences, loseReferences } from "../codec/format.ts";
import type { Space } from "../memory/space.ts";
import { later } from "../runtime/runtime.ts";
import type { TargetDescriptor } from "../targets/describe.ts";
import type { ImportWatch } from "../targets/resolve.ts";
import { IMPORTED, IMPORTING, readName } from "./record.ts";

/** What a thread or process runs. */
export interface Descriptors {
  /** The class whose `run` it calls, if that is not `Thread` or `Process` itself. */
  type?: TargetDescriptor;
  /** What the `run` of `Thread` or `Process` calls. */
  target?: TargetDescriptor;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Joins a head and encoded arguments into one sequence of bytes. */
export function packPayload(descriptor: string, rest: Uint8Array): Uint8Array {
  const head = encoder.encode(descriptor);
  const bytes = new Uint8Array(4 + head.length + rest.length);
  new DataView(bytes.buffer).setUint32(0, head.length);
  bytes.set(head, 4);
  bytes.set(rest, 4 + head.length);
  return bytes;
}

/** Splits what {@linkcode packPayload} has joined. */
export function unpackPayload(bytes: Uint8Array): { descriptor: string; rest: Uint8Array } {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { descriptor: decoder.decode(bytes.subarray(4, 4 + length)), rest: bytes.slice(4 + length) };
}

/** Drops the references of a payload that was not sent. */
export function dropPayload(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) dropReferences(unpackPayload(bytes).rest);
}

/** Drops the references of a payload whose thread or process ended without having read it. */
export function losePayload(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) loseReferences(unpackPayload(bytes).rest);
}

/**
 * Gives an instance of a subclass, in the worker, the fields that it had where it was started. They are defined, not
 * assigned, so that an accessor of the same name in the class is not called.
 */
export function giveFields(instance: object, fields: object): void {
  for (const [key, value] of Object.entries(fields)) {
    Reflect.defineProperty(instance, key, { value, configurable: true, enumerable: true, writable: true });
  }
}

/** The head of a process's payload: what it runs, and where. A thread's is its {@linkcode Descriptors}. */
export interface ProcessHead {
  /** The class whose `run` it calls, if that is not `Process` itself. */
  type?: TargetDescriptor;
  /** What the `run` of `Process` calls. */
  target?: TargetDescriptor;
  /** The main module of the program. */
  main?: string;
  /** The folder in which it runs. */
  cwd: string;
  /** Its name. */
  name: string;
  /** For a process that has no read permission: the texts of the modules in which its target is looked for. */
  texts?: Record<string, string>;
  /** The method by which it starts other processes. */
  method: "spawn" | "forkserver";
}

/** The message that makes a worker run a thread. */
export interface Init {
  buffer: SharedArrayBuffer;
  id: number;
  record: number;
  /** Whether the program uses the processes' memory. */
  processes: boolean;
}

/** A message from a worker to the thread that started it. */
export type Report =
  /** It has loaded what it may need, and waits for a thread to run. */
  | "ready"
  /** It has imported the modules that {@linkcode Ahead} names. */
  | "ahead"
  /** It cannot import them, because they throw or ask which thread this is. It ends. */
  | "spoilt"
  /** It has returned, and the threads that it started are daemons: it need not keep the program alive. */
  | "unref"
  /** Its target threw, and its starter has a hook for that. */
  | "failed"
  /** It is about to exit. */
  | "over";

/** The message to a worker that is kept for a later thread. */
export const PREPARE = "prepare";

/** The message to a spare worker that is ready: the function that its thread will probably run. It imports the modules at once. */
export interface Ahead {
  buffer: SharedArrayBuffer;
  /** The thread's id. */
  ahead: number;
  /** What it runs: {@linkcode Descriptors}. */
  head: string;
}

/** Buffers that a thread transfers, without a copy, to a thread that it has started. */
export interface Handed {
  /** Which call they belong to. */
  number: number;
  /** `undefined` if they are not needed any more. */
  buffers: ArrayBuffer[] | undefined;
}

let receiveHanded: (handed: Handed) => void = () => {};

/** Sets what is done with buffers that this thread's starter sends. */
export function onHanded(receive: (handed: Handed) => void): void {
  receiveHanded = receive;
}

/** Handles a message that has buffers. Returns `false` if it is of another kind. */
export function takeHanded(message: unknown): boolean {
  if (typeof message !== "object" || message === null || !("number" in message)) return false;
  receiveHanded(message as Handed);
  return true;
}

// Modules that do not finish loading.
//
// A thread or process whose import waits for an `await` reports that itself: see targets/resolve.ts. It cannot if code at the
// top level of a module never returns, since its timers do not fire then, and its starter must report it. So each thread and
// process writes into two words of its record what it imports and since when:
//
// ```text
//   IMPORTING   0: nothing   NAMED: a module that was reported   else: a module, since this time of the wall clock
//   IMPORTED    a hash of that module's URL
// ```
//
// The side that changes IMPORTING from the time to NAMED reports the module, so that it is reported once. The starter looks a
// little later than the other side, whose report says more. A thread has a single timer for all threads that it started, and
// none once all of them have begun.

const NAMED = 1;

/** In a thread or process: writes down what it imports, and since when. */
export function importsOf({ words }: Space, record: number): ImportWatch {
  let since = 0;
  return {
    begin: (module) => {
      store(words, record + IMPORTED, hashOf(module));
      store(words, record + IMPORTING, since = wallClock());
    },
    mayName: () => compareExchange(words, record + IMPORTING, since, NAMED) === since,
    end: () => store(words, record + IMPORTING, 0),
  };
}

// The result is neither 0 nor NAMED. It wraps around, but differences of two times are still right.
function wallClock(): number {
  return Math.round(performance.timeOrigin + now()) | 2;
}

function hashOf(module: string): number {
  let hash = 1;
  for (let i = 0; i < module.length; i++) hash = Math.imul(hash, 31) + module.charCodeAt(i) | 0;
  return hash;
}

/** How many milliseconds are left of `patience` until the module that is being imported is late; `Infinity` if there is none. */
export function patienceLeft({ words }: Space, record: number, patience: number): number {
  const since = load(words, record + IMPORTING);
  return since === 0 || since === NAMED ? Infinity : patience - (wallClock() - since | 0);
}

/** The report about a module that is late. */
interface Late {
  module: string;
  message: string;
}

/**
 * Claims the report about the module that the thread or process of a record imports. Returns `undefined` if the module was
 * reported already, or has been imported by now.
 *
 * @param targets The functions for which it may be imported.
 */
export function takeLate(
  { words }: Space,
  record: number,
  targets: readonly (TargetDescriptor | undefined)[],
  label: string,
  patience: number,
): Late | undefined {
  const since = load(words, record + IMPORTING);
  const hash = load(words, record + IMPORTED);
  if (since === 0 || since === NAMED) return undefined;
  if (compareExchange(words, record + IMPORTING, since, NAMED) !== since) return undefined;
  const known = targets.filter((target) => target !== undefined);
  const places = known.flatMap((target) => modulesOf(target).map((module) => ({ target, module })));
  // A module that an inline function imports is not among the places.
  const { target, module } = places.find(({ module }) => hashOf(module) === hash) ??
    { target: known[0], module: "a module that it needs" };
  const name = target !== undefined && "name" in target && target.name !== "" ? ` "${target.name}"` : "";
  const message = `${label} cannot begin with its ${
    target?.what ?? "target"
  }${name} as ${module} has not finished loading after ${
    patience / 1000
  } s: code at the top of it, or of a module that it imports, computes without end or blocks`;
  return { module, message };
}

/** The modules in which a function is looked for. */
export function modulesOf(descriptor: TargetDescriptor): string[] {
  if (!("module" in descriptor)) return [];
  const { module, modules, main } = { modules: [], main: undefined, ...descriptor };
  return [module, ...modules, main].filter((each) => each !== undefined);
}

/**
 * Looks at a thread or process that has not begun, and reports the module that it is stuck in.
 *
 * @returns After how many milliseconds to look again.
 */
export function lookAtStart(
  space: Space,
  record: number,
  { type, target }: Descriptors,
  patience: number,
): number {
  const left = patienceLeft(space, record, patience);
  if (left > 0) return Math.min(left, patience);
  const late = takeLate(space, record, [type, target], readName(space, record), patience);
  if (late !== undefined) console.error(late.message);
  return patience;
}

/** Looks for modules that are late. Returns after how many milliseconds to look again; `Infinity` if there is no need. */
type Look = (patience: number) => number;

/** How many milliseconds the import of a module may take before the starter reports it. */
let patience = 11_000;
const looks: Set<Look> = new Set();
/** When the next look is due. */
let due = Infinity;
let callOff: (() => void) | undefined;

/** For tests: sets how many milliseconds the import of a module may take. Returns the previous value. */
export function setPatience(ms: number): number {
  const before = patience;
  patience = ms;
  if (due < Infinity) plan(ms);
  return before;
}

/** Registers `look`, to be called when a start that was just made may be late. */
export function lookLater(look: Look): void {
  looks.add(look);
  if (due === Infinity) plan(patience);
}

/** Removes a function that {@linkcode lookLater} registered, when there is nothing left to look for. */
export function lookNoMore(look: Look): void {
  looks.delete(look);
}

/** The time at which a blocked thread must call {@linkcode lookIfDue}. */
export function nextLook(): number {
  return due;
}

/** For a blocked thread, whose event loop does not turn: looks, if it is time. Call it only where code of the program may run. */
export function lookIfDue(): void {
  if (now() >= due) lookAround();
}

function plan(ms: number): void {
  callOff?.();
  due = now() + ms;
  callOff = later(lookAround, ms);
}

function lookAround(): void {
  callOff?.();
  callOff = undefined;
  due = Infinity;
  let next = Infinity;
  for (const look of [...looks]) {
    // Removed first: a report runs code of the program, which may start something and register `look` again.
    looks.delete(look);
    const left = look(patience);
    if (left === Infinity) continue;
    looks.add(look);
    next = Math.min(next, left);
  }
  if (next < Infinity) plan(next);
}
