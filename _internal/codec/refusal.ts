/**
 * The errors for values that cannot be sent: where the value is, why it cannot be sent, and what to send instead. At the end,
 * the keys of node's crypto and of the web's, which can be sent.
 *
 * @module
 */

import { classOf, THREAD } from "../memory/kinds.ts";
import type { Space } from "../memory/space.ts";
import { isPlainInside, sourcesOf, tagOf } from "../runtime/host_classes.ts";
import { nodeProcess } from "../runtime/runtime.ts";
import { privateMember } from "../targets/source.ts";

/** The property of an object that says why it cannot be sent, for the error message. */
export const REFUSAL: unique symbol = Symbol.for("@weft/concurrent.refusal") as never;

/** Thrown for a value that cannot be sent. The path to the value is found afterwards. */
export class Unsendable {
  readonly value: unknown;
  readonly make: (path: string) => Error;

  constructor(value: unknown, make: (path: string) => Error) {
    this.value = value;
    this.make = make;
  }
}

/** An {@linkcode Unsendable} whose error is a `DataCloneError` with this reason. */
export function unsendable(value: unknown, reason: string): Unsendable {
  return new Unsendable(value, (path) => new DOMException(`Cannot send ${path} as ${reason}`, "DataCloneError"));
}

/** Returns what `read` reads from the internals of an object. A proxy, or an object with the same prototype, has none. */
export function ofKind<T>(value: object, kind: string, read: () => T): T {
  try {
    return read();
  } catch {
    throw unsendable(
      value,
      `it only has the prototype of ${withArticle(kind)}, or is a proxy of one: send the ${kind} itself`,
    );
  }
}

// The path to a value that cannot be sent, for error messages. The search begins only after the encoder has met the value, so it
// need not be fast. It uses a list instead of recursion, so deep nesting cannot exceed the stack.

interface Place {
  value: unknown;
  /** The step from its owner to it: `.key`, `[0]`. */
  step: string;
  owner?: Place;
}

/** Only the first and last steps of a longer path are shown. */
const LONG = 24;
const ENDS = 6;

/**
 * The path to `wanted` in `root`: `args[0].onDone`. `name` is the name of the root. If it is empty, the path begins with a key
 * of the root.
 */
export function pathOf(root: unknown, wanted: unknown, name: string): string {
  try {
    const found = search(root, wanted);
    return found === undefined ? name || "the value" : written(found, name) || "the value";
  } catch {
    // Getters and proxies of the program may throw.
    return name || "the value";
  }
}

function search(root: unknown, wanted: unknown): Place | undefined {
  const seen = new Set<unknown>();
  const places: Place[] = [{ value: root, step: "" }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    const { value } = place;
    if (value === wanted) return place;
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    // Reversed, because the last place is searched first: the search is depth-first, in the order of the steps.
    for (const [step, item] of steps(value).reverse()) places.push({ value: item, step, owner: place });
  }
  return undefined;
}

function steps(value: object): [step: string, value: unknown][] {
  const all: [string, unknown][] = [];
  if (value instanceof Map) {
    let index = 0;
    for (const [key, item] of value) {
      all.push([`.keys[${index}]`, key]);
      all.push([typeof key === "string" ? `.get(${JSON.stringify(key)})` : `.values[${index}]`, item]);
      index++;
    }
  } else if (value instanceof Set) {
    let index = 0;
    for (const item of value) all.push([`.values[${index++}]`, item]);
  }
  if (!ArrayBuffer.isView(value)) {
    for (const key of Object.keys(value)) {
      all.push([stepOf(key, Array.isArray(value)), (value as Record<string, unknown>)[key]]);
    }
  }
  if (value instanceof Error) {
    for (const key of ["cause", "errors"] as "cause"[]) {
      if (Object.hasOwn(value, key)) all.push([`.${key}`, value[key]]);
    }
  }
  return all;
}

function stepOf(key: string, ofArray: boolean): string {
  if (ofArray && isIndex(key)) return `[${key}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function written(place: Place, name: string): string {
  const path: string[] = [];
  for (let at: Place | undefined = place; at !== undefined; at = at.owner) if (at.step !== "") path.push(at.step);
  path.reverse();
  if (path.length > LONG) path.splice(ENDS, path.length - 2 * ENDS, `…(${path.length - 2 * ENDS} levels)…`);
  const text = path.join("");
  return name !== "" ? name + text : text.startsWith(".") ? text.slice(1) : text;
}

/** Whether a key of an array is the index of an element. */
export function isIndex(key: string): boolean {
  const index = Number(key) >>> 0;
  return index !== 2 ** 32 - 1 && String(index) === key;
}

// Objects with more content than their properties show: their error messages, and how to recognize them among the objects of a
// program.

/** What to send instead of an object of the runtime. Default: data. */
const INSTEAD: Record<string, string> = {
  "arguments object": "[...arguments]",
  AsyncGenerator: "what it yields",
  Blob: "await blob.bytes()",
  AbortSignal: "an Event, or give it as the option 'signal' of a task, whose own signal is in currentTask()",
  File: "await file.bytes()",
  FormData: "[...formData]",
  Generator: "[...generator]",
  Headers: "[...headers]",
  Module: "{ ...module }",
  Promise: "what it resolves to",
  SharedArrayBuffer: "a SharedArray",
  URL: "url.href",
  URLSearchParams: "String(params)",
};

/** Why an object of a class of the runtime cannot be sent. `kind` is its name in `toString`. */
export function whyHost(hostClass: string, kind: string): string {
  if (kind === "SharedArrayBuffer") return "a SharedArrayBuffer cannot be copied: use SharedArray";
  // On Node a class that extends EventTarget has no name of its own in `toString`.
  const name = kind === "Object" || kind === "EventTarget"
    ? hostClass
    : kind === "Arguments"
    ? "arguments object"
    : kind;
  const instead = /^(?:Temporal|Intl)\./.test(kind)
    ? "a string"
    : / Iterator$|^Iterator/.test(name)
    ? "[...iterator]"
    : INSTEAD[name] ?? INSTEAD[hostClass] ?? "data";
  return `${withArticle(name)} cannot be copied: send ${instead}`;
}

/** A name with its article: `an Event`. */
function withArticle(name: string): string {
  return `${/^(?:[AEIOa]|U[^R])/.test(name) ? "an" : "a"} ${name}`;
}

/**
 * Why an object that threads share cannot go to another process. It uses the object's kind, because a program's subclass has
 * another name than the library's class.
 */
export function insteadOf(space: Space, at: number): string {
  const kind = space.words[at] & 0xff;
  if (kind === THREAD) {
    return "a thread belongs to its process: send its name, or start a Process of @weft/concurrent/multiprocessing";
  }
  return `it is shared between threads only: use ${classOf("thread", kind)!.name} of @weft/concurrent/multiprocessing`;
}

const { toString } = Object.prototype;

/** Throws if an object that looks plain is an object of the runtime, whose content would be lost. */
export function checkPlain(object: object): void {
  if (toString.call(object) === "[object Object]") return;
  const kind = tagOf(object);
  const own = Object.getOwnPropertyDescriptor(object, Symbol.toStringTag);
  // Objects of the runtime either have no such property, like `arguments`, or one that is neither enumerable nor writable. In all
  // other cases the program gave the object its name.
  if (own === undefined ? Symbol.toStringTag in object : own.enumerable || own.writable) return;
  if (isPlainInside(object)) return;
  throw unsendable(object, whyHost(kind, kind));
}

const privates: WeakMap<object, boolean> = new WeakMap();

/** Whether an object without enumerable properties has other content, which would be lost silently. */
export function hidesAll(object: object, prototype: object): boolean {
  if (Object.keys(object).length > 0) return false;
  if (Object.getOwnPropertySymbols(object).length > 0 || Object.getOwnPropertyNames(object).length > 0) return true;
  let has = privates.get(prototype);
  if (has === undefined) {
    has = sourcesOf(prototype).some((source) => source.startsWith("class") && privateMember(source) !== undefined);
    privates.set(prototype, has);
  }
  return has;
}

/** Why an object whose content is hidden cannot be sent. */
export function whyHidden(prototype: object): string {
  const name = prototype.constructor?.name || "its class";
  return `all that an instance of ${name} holds is private: call registerSerializable() for its class, or send data`;
}

// `KeyObject` and `CryptoKey`: objects of the runtime that can be sent, because `structuredClone` copies them.
//
// The web's crypto exports the material of a key only by promises, node's crypto at once. So node's module exports and imports
// both kinds of key.

interface Key {
  type: "secret" | "public" | "private";
  export(options?: { format: "der"; type: "spki" | "pkcs8" }): Uint8Array;
  toCryptoKey(algorithm: unknown, extractable: boolean, usages: string[]): object;
}

interface Crypto {
  KeyObject: { new (): Key; from(key: object): Key };
  createSecretKey(material: Uint8Array): Key;
  createPublicKey(options: object): Key;
  createPrivateKey(options: object): Key;
}

interface WebKey {
  algorithm: unknown;
  extractable: boolean;
  usages: string[];
}

/** The data of a key that is sent. */
export interface KeyData {
  type: Key["type"];
  material: Uint8Array;
  web?: WebKey;
}

function crypto(): Crypto {
  return nodeProcess().getBuiltinModule("node:crypto") as Crypto;
}

/** The data of a key; `undefined` if `value` is not a key. `tag` is its name in `toString`. */
export function dataOfKey(value: object, tag: string): KeyData | undefined {
  if (tag !== "KeyObject" && tag !== "CryptoKey" || typeof nodeProcess()?.getBuiltinModule !== "function") {
    return undefined;
  }
  const { KeyObject } = crypto();
  const { CryptoKey } = globalThis as unknown as { CryptoKey: new () => WebKey };
  let web: WebKey | undefined;
  let key: Key;
  if (value instanceof KeyObject) {
    key = value;
  } else if (value instanceof CryptoKey) {
    const { algorithm, extractable, usages } = value;
    web = { algorithm, extractable, usages: [...usages] };
    key = KeyObject.from(value);
  } else {
    return undefined;
  }
  const { type } = key;
  const bytes = type === "secret"
    ? key.export()
    : key.export({ format: "der", type: type === "public" ? "spki" : "pkcs8" });
  return { type, material: new Uint8Array(bytes), ...(web === undefined ? {} : { web }) };
}

/** Makes the key again. */
export function keyOfData({ type, material, web }: KeyData): object {
  const { createSecretKey, createPublicKey, createPrivateKey } = crypto();
  const key = type === "secret"
    ? createSecretKey(material)
    : type === "public"
    ? createPublicKey({ key: material, format: "der", type: "spki" })
    : createPrivateKey({ key: material, format: "der", type: "pkcs8" });
  return web === undefined ? key : key.toCryptoKey(web.algorithm, web.extractable, web.usages);
}
