/**
 * What a look at properties does not show of objects: which of the runtime's own classes an object is of, and whether an array
 * or a collection has more than its elements. The codec asks, which must not lose in silence what it does not see.
 *
 * A class is known by what it is and not by a list of names. A class that is written in another language says so where its
 * source is asked for. Deno writes many in JavaScript; the prototypes of these have a method for its console under a symbol
 * that no program has a use for, or the class is a global that `for … in` does not show, unlike the globals of programs, or
 * it is part of `Deno`.
 *
 * @module
 */

import { deno, type DenoGlobal, isBun, nodeProcess } from "./runtime.ts";

const DENO_CONSOLE = Symbol.for("Deno.privateCustomInspect");
const NATIVE = /\{\s*\[native code\]\s*\}\s*$/;
const sourceOf = Function.prototype.toString;

/** Prototypes that have no constructor, or none that can be read without harm. */
const ITERATOR = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]())) as object;
const ASYNC_ITERATOR = Object.getPrototypeOf(
  Object.getPrototypeOf((async function* () {}).prototype),
) as object;

const names: WeakMap<object, string> = new WeakMap([[ITERATOR, "Iterator"], [ASYNC_ITERATOR, "AsyncIterator"]]);

/** The nearest class of the runtime that objects with this prototype are of; empty for objects of the program's own. */
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
  // The `Object` of another realm: what has its prototype is as plain as what has this one's.
  return name === "Object" && Object.getPrototypeOf(prototype) === null ? "" : name;
}

function isNamespaced(name: string, constructor: unknown): boolean {
  const found = Object.getOwnPropertyDescriptor(globalThis, name);
  if (found !== undefined && !found.enumerable && (found.value ?? found.get?.call(globalThis)) === constructor) {
    return true;
  }
  return deno !== undefined && Object.hasOwn(deno, name) && deno[name as keyof DenoGlobal] === constructor;
}

// As the prototype of `Intl.Segments`, which has no constructor.
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
 * Whether an object of a class of the runtime is plain data all the same, like `fs.Stats`. Bun's `structuredClone` knows,
 * which refuses all that is not; Deno's takes many objects for plain whose state it does not see.
 */
export function isPlainInside(value: object): boolean {
  if (!isBun) return false;
  try {
    return Object.getPrototypeOf(structuredClone(value)) === Object.prototype;
  } catch {
    return false;
  }
}

/** What `Object.prototype.toString` calls an object. */
export function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

/**
 * The sources of the classes of an object's prototypes, the nearest first: those of the program's own classes say what
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

// Whether an array has properties besides its elements, without a list of all its keys: to make one costs more than to copy
// the array, on both engines.
//
// JavaScriptCore tells how many named properties an object has: its shallow size counts them. V8 does not tell, but copies
// the values of an array far faster than it makes names of their indexes, and Deno's inspector shows named properties of
// an array and none of its elements, however long it is. Each is tried on an array that has a named property before it
// is believed; without any of them the keys are listed.

/** From this length on, to have an array of integers shown is faster than to copy its values. */
const LONG = 2048;
/** The same for other numbers, each of which becomes an object in such a copy, so that their keys are listed instead. */
const LONG_NUMBERS = 320;
const BRIEF = { iterableLimit: 0, depth: 0, colors: false };
const inspect = deno?.inspect;
let shows: boolean | undefined;

/** Whether an array may have named properties. `false`: it has none, or it has holes and may have some all the same. */
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

// Tried once, as said above.
function showsNamed(): boolean {
  return shows ??= inspect !== undefined && inspect([1, 2, 3], BRIEF) === "[ ... 3 more items ]" &&
    inspect(Object.assign([1, 2, 3], { named: 1 }), BRIEF) !== "[ ... 3 more items ]";
}

/** Whether `structuredClone` copies what a `Map` or a `Set` has besides its entries. */
export const keepsNamedOfCollections: boolean = isBun;
