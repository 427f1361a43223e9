/**
 * What is handed over at the start of a thread or process, and what its starter says where that does not begin.
 *
 * A payload is a run of bytes: first a head, as JSON, which says what function it is; then what `encode` wrote of the
 * arguments. These are decoded once the function's modules are imported, for the modules may say how classes are sent.
 * Between a worker and the thread that started it there are a few messages besides.
 *
 * A start that does not come to its function is mostly stuck in a module of it. How such a module is found and named is told
 * further down.
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
  /** The class whose `run` it is, where that is not `Thread` or `Process` itself. */
  type?: TargetDescriptor;
  /** What the `run` of `Thread` or `Process` calls. */
  target?: TargetDescriptor;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A head and encoded arguments as one run of bytes. */
export function packPayload(descriptor: string, rest: Uint8Array): Uint8Array {
  const head = encoder.encode(descriptor);
  const bytes = new Uint8Array(4 + head.length + rest.length);
  new DataView(bytes.buffer).setUint32(0, head.length);
  bytes.set(head, 4);
  bytes.set(rest, 4 + head.length);
  return bytes;
}

/** The two of {@linkcode packPayload} again. */
export function unpackPayload(bytes: Uint8Array): { descriptor: string; rest: Uint8Array } {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return { descriptor: decoder.decode(bytes.subarray(4, 4 + length)), rest: bytes.slice(4 + length) };
}

/** Gives back the references of a payload that was not sent. */
export function dropPayload(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) dropReferences(unpackPayload(bytes).rest);
}

/** Gives back the references of a payload whose thread or process is gone without having read it. */
export function losePayload(bytes: Uint8Array | undefined): void {
  if (bytes !== undefined) loseReferences(unpackPayload(bytes).rest);
}

/**
 * Gives an instance of a subclass, in the worker, the fields that it had where it was started: as they were there, and so
 * also a field that stands before an accessor of its class.
 */
export function giveFields(instance: object, fields: object): void {
  for (const [key, value] of Object.entries(fields)) {
    Reflect.defineProperty(instance, key, { value, configurable: true, enumerable: true, writable: true });
  }
}

/** The head of a process's payload: what it runs, and where. A thread's is its {@linkcode Descriptors}. */
export interface ProcessHead {
  /** The class whose `run` it is, where that is not `Process` itself. */
  type?: TargetDescriptor;
  /** What the `run` of `Process` calls. */
  target?: TargetDescriptor;
  /** The main module of the program. */
  main?: string;
  /** The folder that it runs in. */
  cwd: string;
  /** Its label. */
  name: string;
  /** For a process that may not read them: the texts of the modules in which its target is looked for. */
  texts?: Record<string, string>;
  /** How it starts other processes. */
  method: "spawn" | "forkserver";
}

/** What a worker is told at its start. */
export interface Init {
  buffer: SharedArrayBuffer;
  id: number;
  record: number;
  /** Whether the program uses the processes' memory. */
  processes: boolean;
}

/** What a worker tells the thread that started it. */
export type Report =
  /** It waits for work, and has loaded what it may need. */
  | "ready"
  /** It has imported what it was told to import ahead. */
  | "ahead"
  /** It cannot: the modules throw, or ask which thread it is. It ends. */
  | "spoilt"
  /** It has returned, and only daemons are below it: it need not keep the program alive. */
  | "unref"
  /** Its target threw, and this side has a hook for that. */
  | "failed"
  /** It is about to exit. */
  | "over";

/** Told to a worker that is kept for a thread to come. */
export const PREPARE = "prepare";

/** Told to a worker that is ready: what the thread to come will run, as far as is known. Its modules are imported at once. */
export interface Ahead {
  buffer: SharedArrayBuffer;
  /** The thread's id. */
  ahead: number;
  /** What it runs: {@linkcode Descriptors}. */
  head: string;
}

/** Buffers that go from a thread to one that it has started, without a copy. */
export interface Handed {
  /** What they are for. */
  number: number;
  /** `undefined`: they are not wanted any more. */
  buffers: ArrayBuffer[] | undefined;
}

let receiveHanded: (handed: Handed) => void = () => {};

/** Says what is done with buffers that the thread which started this one sends. */
export function onHanded(receive: (handed: Handed) => void): void {
  receiveHanded = receive;
}

/** Takes a message that has buffers. `false`: it is of another kind. */
export function takeHanded(message: unknown): boolean {
  if (typeof message !== "object" || message === null || !("number" in message)) return false;
  receiveHanded(message as Handed);
  return true;
}

// Modules of targets that do not come up.
//
// A thread or process whose import awaits says so itself: see targets/resolve.ts. Where code at the top of a module never
// returns, no timer of its own fires, and its starter says it. So each writes down what it imports, and since when, in two
// words of its record:
//
// ```text
//   IMPORTING   0: nothing   NAMED: a module that was named   else: a module, since this time by the clock on the wall
//   IMPORTED    a hash of that module's URL
// ```
//
// The side that changes IMPORTING from the time to NAMED names it. The starter looks a little later than the other side would,
// which knows more. A thread has a single timer for all that it started, and none once all of that has begun.

const NAMED = 1;

/** In a thread or process: writes down what it imports. */
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

// Neither 0 nor NAMED. It wraps, which does not matter for differences.
function wallClock(): number {
  return Math.round(performance.timeOrigin + now()) | 2;
}

function hashOf(module: string): number {
  let hash = 1;
  for (let i = 0; i < module.length; i++) hash = Math.imul(hash, 31) + module.charCodeAt(i) | 0;
  return hash;
}

/** How many milliseconds are left of `patience` until the module that is imported is late; `Infinity`: there is none. */
export function patienceLeft({ words }: Space, record: number, patience: number): number {
  const since = load(words, record + IMPORTING);
  return since === 0 || since === NAMED ? Infinity : patience - (wallClock() - since | 0);
}

/** What is said of a module that is late, if it falls to the caller to say it. */
interface Late {
  module: string;
  message: string;
}

/**
 * Takes it on to name the module that the thread or process of a record imports. `undefined`: it was named, or is up by now.
 *
 * @param targets What it may be imported for.
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
  // What an inline function imports is not among the places.
  const { target, module } = places.find(({ module }) => hashOf(module) === hash) ??
    { target: known[0], module: "a module that it needs" };
  const name = target !== undefined && "name" in target && target.name !== "" ? ` "${target.name}"` : "";
  const message = `${label} cannot begin with its ${target?.what ?? "target"}${name} as ${module} has not come up for ${
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
 * Looks at a thread or process that has not begun, and names the module that keeps it from that.
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

/** Looks for modules that are late, and returns after how many milliseconds to look again; `Infinity`: there is no need. */
type Look = (patience: number) => number;

/** How long a module may take to come up before the starter names it: milliseconds. */
let patience = 11_000;
const looks: Set<Look> = new Set();
/** When the next look is due. */
let due = Infinity;
let callOff: (() => void) | undefined;

/** For tests: how long a module may take. Returns how long it was before. */
export function setPatience(ms: number): number {
  const before = patience;
  patience = ms;
  if (due < Infinity) plan(ms);
  return before;
}

/** Has `look` called when the start of what was just begun could be late. */
export function lookLater(look: Look): void {
  looks.add(look);
  if (due === Infinity) plan(patience);
}

/** Calls {@linkcode lookLater} off: there is nothing to look for any more. */
export function lookNoMore(look: Look): void {
  looks.delete(look);
}

/** When a thread that blocks has to call {@linkcode lookIfDue}. */
export function nextLook(): number {
  return due;
}

/** Looks, if it is time, where the event loop does not turn. Must be called where code of the program may run. */
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
    // What is said runs code of the program, which may begin something.
    looks.delete(look);
    const left = look(patience);
    if (left === Infinity) continue;
    looks.add(look);
    next = Math.min(next, left);
  }
  if (next < Infinity) plan(next);
}
