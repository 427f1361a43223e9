/**
 * What cannot be sent, and what is said of it: where it is in the value, why it cannot, and what to send instead. At the end
 * the objects of the runtime that can be sent after all, keys, and what is sent of them.
 *
 * @module
 */

import { classOf, THREAD } from "../memory/kinds.ts";
import type { Space } from "../memory/space.ts";
import { isPlainInside, sourcesOf, tagOf } from "../runtime/host_classes.ts";
import { nodeProcess } from "../runtime/runtime.ts";
import { privateMember } from "../targets/source.ts";

/** Under this an object has the reason why it cannot be sent, for the message of the error. */
export const REFUSAL: unique symbol = Symbol.for("@weft/concurrent.refusal") as never;

/** Says that a value cannot be sent; the path is found afterwards. */
export class Unsendable {
  constructor(readonly value: unknown, readonly make: (path: string) => Error) {}
}

/** The same, with a `DataCloneError` that has this reason. */
export function unsendable(value: unknown, reason: string): Unsendable {
  return new Unsendable(value, (path) => new DOMException(`Cannot send ${path} as ${reason}`, "DataCloneError"));
}

/** What `read` finds inside of an object. A proxy of one, or what was made with its prototype, has no insides. */
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

// Where in a value what cannot be sent is, for messages. Looked for only after it was found, by a walk that has all the
// time in the world and takes no more of the stack for a value that is nested deeply.

interface Place {
  value: unknown;
  /** How its owner leads to it: `.key`, `[0]`. */
  step: string;
  owner?: Place;
}

/** Of a longer path the first and the last steps are said. */
const LONG = 24;
const ENDS = 6;

/** The path of `wanted` in `root`, which is called `name`: `args[0].onDone`. Empty name: the keys of the root are. */
export function pathOf(root: unknown, wanted: unknown, name: string): string {
  try {
    const found = search(root, wanted);
    return found === undefined ? name || "the value" : written(found, name) || "the value";
  } catch {
    // What is asked for its keys may throw.
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
    // The first is looked at first, and all that is in it.
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

// Objects that are more than their properties show: what is said of them, and which of a program's own are.

/** What to send instead; of all others: data. */
const INSTEAD: Record<string, string> = {
  "arguments object": "[...arguments]",
  AsyncGenerator: "what it yields",
  Blob: "await blob.bytes()",
  AbortSignal: "an Event, or give it as the option 'signal' of a task, which has one of its own in currentTask()",
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

/** Why an object of a class of the runtime cannot be sent. `kind` is what `toString` calls it. */
export function whyHost(hostClass: string, kind: string): string {
  if (kind === "SharedArrayBuffer") return "a SharedArrayBuffer cannot be copied: use SharedArray";
  const name = kind === "Object" ? hostClass : kind === "Arguments" ? "arguments object" : kind;
  const instead = /^(?:Temporal|Intl)\./.test(kind)
    ? "a string"
    : / Iterator$|^Iterator/.test(name)
    ? "[...iterator]"
    : INSTEAD[name] ?? INSTEAD[hostClass] ?? "data";
  return `${withArticle(name)} cannot be copied: send ${instead}`;
}

/** `an Event`. */
function withArticle(name: string): string {
  return `${/^(?:[AEIOa]|U[^R])/.test(name) ? "an" : "a"} ${name}`;
}

/**
 * Why an object that is shared between threads cannot go to another process. By what it is: a class of the program that extends
 * one of the library's has another name.
 */
export function insteadOf(space: Space, at: number): string {
  const kind = space.words[at] & 0xff;
  if (kind === THREAD) {
    return "a thread belongs to its process: send its name, or start a Process of @weft/concurrent/multiprocessing";
  }
  return `it is shared between threads only: use ${classOf("thread", kind)!.name} of @weft/concurrent/multiprocessing`;
}

const { toString } = Object.prototype;

/** Of a plain object that would arrive empty, or like a list: whether that is what it is. */
export function checkPlain(object: object): void {
  if (toString.call(object) === "[object Object]") return;
  const kind = tagOf(object);
  const own = Object.getOwnPropertyDescriptor(object, Symbol.toStringTag);
  // A program writes such a name in another way than a runtime.
  if (own === undefined ? Symbol.toStringTag in object : own.enumerable || own.writable) return;
  if (isPlainInside(object)) return;
  throw unsendable(object, whyHost(kind, kind));
}

const privates: WeakMap<object, boolean> = new WeakMap();

/** Whether an object without enumerable properties has something all the same, which would be lost in silence. */
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

/** Why such an object cannot be sent. */
export function whyHidden(prototype: object): string {
  const name = prototype.constructor?.name || "its class";
  return `all that an instance of ${name} holds is private: call registerSerializable() for its class, or send data`;
}

// `KeyObject` and `CryptoKey`: the host objects that cross, as `structuredClone` copies them.
//
// Node's crypto gives the material of a key at once, which the web's gives by promises alone; its module is there, as the
// key is of it or can be made one of it.

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

/** What is sent of a key. */
export interface KeyData {
  type: Key["type"];
  material: Uint8Array;
  web?: WebKey;
}

function crypto(): Crypto {
  return nodeProcess().getBuiltinModule("node:crypto") as Crypto;
}

/** What is to be sent of a key, if `value` is one. `tag` is what `toString` calls it. */
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

/** The key again. */
export function keyOfData({ type, material, web }: KeyData): object {
  const { createSecretKey, createPublicKey, createPrivateKey } = crypto();
  const key = type === "secret"
    ? createSecretKey(material)
    : type === "public"
    ? createPublicKey({ key: material, format: "der", type: "spki" })
    : createPrivateKey({ key: material, format: "der", type: "pkcs8" });
  return web === undefined ? key : key.toCryptoKey(web.algorithm, web.extractable, web.usages);
}
