/**
 * Finds out what the properties of an object do not show: of which class of the runtime it is, and whether an array or a
 * collection has properties besides its elements. The codec needs this to refuse what it would otherwise lose silently.
 *
 * A class is recognized by its features, not by a list of names. If it is not written in JavaScript, its source says so. Deno
 * writes many classes in JavaScript. Their prototypes have a method for Deno's console, under a symbol that programs have no use
 * for; or the class is a global that `for … in` does not list, unlike the globals of programs; or it is a member of `Deno`.
 *
 * @module
 */

import { deno, type DenoGlobal, isBun, nodeProcess } from "./runtime.ts";

const DENO_CONSOLE = Symbol.for("Deno.privateCustomInspect");
const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;
const sourceOf = Function.prototype.toString;

/** Prototypes that have no constructor, or none that can be read safely. */
const ITERATOR = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;
const ASYNC_ITERATOR = Object.getPrototypeOf(
  Object.getPrototypeOf((async function* () {}).prototype),
) as object;

const names: WeakMap<object, string> = new WeakMap([[ITERATOR, "Iterator"], [ASYNC_ITERATOR, "AsyncIterator"]]);

/** The name of the nearest class of the runtime in this prototype chain; empty for objects of the program's own classes. */
export function hostClassOf(prototype: object | null): string {
  if (prototype === null || prototype === Object.prototype) return "";
  const known = names.get(prototype);
  if (known !== undefined) return known;
  const name = nameOfHost(prototype) ?? hostClassOf(Object.getPrototypeOf(prototype));
  names.set(prototype, name);
  return name;
}

function nameOfHost(prototype: object): string | undefined {
  const constructor: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  if (typeof constructor !== "function") return hasNativeMethodsAlone(prototype) ? tagOf(prototype) : undefined;
  if (constructor.prototype !== prototype) return undefined;
  const { name } = constructor;
  if (Object.hasOwn(prototype, DENO_CONSOLE) || isNamespaced(name, constructor)) return name;
  if (!NATIVE.test(sourceOf.call(constructor))) return undefined;
  // This is the `Object` of another realm. An object with its prototype is as plain as any other.
  return name === "Object" && Object.getPrototypeOf(prototype) === null ? "" : name;
}

function isNamespaced(name: string, constructor: unknown): boolean {
  const found = Object.getOwnPropertyDescriptor(globalThis, name);
  if (found !== undefined && !found.enumerable && (found.value ?? found.get?.call(globalThis)) === constructor) {
    return true;
  }
  return deno !== undefined && Object.hasOwn(deno, name) && deno[name as keyof DenoGlobal] === constructor;
}

// For example the prototype of `Intl.Segments`, which has no constructor.
function hasNativeMethodsAlone(prototype: object): boolean {
  let methods = 0;
  for (const key of Object.getOwnPropertyNames(prototype)) {
    const { value, get } = Object.getOwnPropertyDescriptor(prototype, key)!;
    if (typeof (value ?? get) !== "function") continue;
    if (!NATIVE.test(sourceOf.call(value ?? get))) return false;
    methods++;
  }
  return methods > 0;
}

/**
 * Whether an object of a class of the runtime is plain data nevertheless, like `fs.Stats`. Bun's `structuredClone` can tell,
 * because it refuses all other objects. Deno's takes many objects for plain whose state it does not see.
 */
export function isPlainInside(value: object): boolean {
  if (!isBun) return false;
  try {
    return Object.getPrototypeOf(structuredClone(value)) === Object.prototype;
  } catch {
    return false;
  }
}

/** The name that `Object.prototype.toString` prints for an object. */
export function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/**
 * The sources of the classes in a prototype chain, the nearest first. The source of a class of the program shows what its
 * instances hold besides properties.
 */
export function sourcesOf(prototype: object | null): string[] {
  const sources: string[] = [];
  for (let at = prototype; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    const constructor: unknown = Object.getOwnPropertyDescriptor(at, "constructor")?.value;
    if (typeof constructor === "function") sources.push(sourceOf.call(constructor));
  }
  return sources;
}

// Whether an array has properties besides its elements. A list of all its keys would show it, but costs more than a copy of the
// array, on both engines.
//
// On JavaScriptCore, the shallow size of an object counts its named properties. V8 has no such function. But it copies the values
// of an array far faster than it creates names for the indexes, and Deno.inspect can print the named properties of an array
// without its elements, however long it is. Each way is used only after a test on an array with a named property. If none
// works, the keys are listed.

/** From this length on, printing an array of integers is faster than copying its values. */
const LONG = 2048;
/** The same for other numbers. A copy would make an object of each of them, so their keys are listed if they are fewer. */
const LONG_NUMBERS = 320;
const BRIEF = { iterableLimit: 0, depth: 0, colors: false };
const inspect = deno?.inspect;
let shows: boolean | undefined;

/**
 * Whether an array may have named properties. `false` means that it has none, unless it has holes: then it may have some
 * nevertheless.
 */
export const mayHaveNamed: (array: unknown[]) => boolean = (isBun ? onBun() : undefined) ?? onV8;

function onBun(): ((array: unknown[]) => boolean) | undefined {
  const { estimateShallowMemoryUsageOf: sizeOf } = nodeProcess().getBuiltinModule("bun:jsc") as {
    estimateShallowMemoryUsageOf?: (value: object) => number;
  };
  if (sizeOf === undefined) return undefined;
  const bare = sizeOf([1, 2, 3]);
  if (bare === sizeOf(Object.assign([1, 2, 3], { named: 1 }))) return undefined;
  return (array) => sizeOf(array) !== bare;
}

function onV8(array: unknown[]): boolean {
  const { length } = array;
  const first = array[0];
  if (typeof first !== "number") return Object.values(array).length !== length;
  const isInteger = (first | 0) === first;
  if (length > (isInteger ? LONG : LONG_NUMBERS) && showsNamed()) {
    return inspect!(array, BRIEF) !== `[ ... ${length} more items ]`;
  }
  return (isInteger ? Object.values(array) : Object.keys(array)).length !== length;
}

// Tested once, on arrays without and with a named property.
function showsNamed(): boolean {
  return shows ??= inspect !== undefined && inspect([1, 2, 3], BRIEF) === "[ ... 3 more items ]" &&
    inspect(Object.assign([1, 2, 3], { named: 1 }), BRIEF) !== "[ ... 3 more items ]";
}

/** Whether `structuredClone` copies the properties that a `Map` or a `Set` has besides its entries. */
export const keepsNamedOfCollections: boolean = isBun;
