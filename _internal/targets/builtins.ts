/**
 * Functions that every thread has: `Math.sqrt`, `parseInt`, `console.log`.
 *
 * @module
 */

import type { AnyFunction } from "./shape.ts";

// Their functions are methods of the class itself: `Promise.resolve` makes a promise of the class that is `this`.
const NEED_THIS = new Set(["Promise"]);
// Constructors that are functions too.
const CALLABLE = new Set(
  "Array BigInt Boolean Date Error AggregateError EvalError Function Number Object RangeError ReferenceError RegExp String SuppressedError Symbol SyntaxError TypeError URIError"
    .split(" "),
);

/** The path from the global object by which a function is found in every thread: `Math.sqrt`. */
export function globalPath(fn: AnyFunction): string | undefined {
  const { name } = fn;
  if (name === "") return undefined;
  if (ofGlobal(name) === fn) return name;
  for (const owner of Object.getOwnPropertyNames(globalThis)) {
    if (NEED_THIS.has(owner)) continue;
    const value = valueOf(globalThis, owner);
    if (value === globalThis || value === null || (typeof value !== "object" && typeof value !== "function")) continue;
    if (valueOf(value as object, name) === fn) return `${owner}.${name}`;
  }
  return undefined;
}

/** What is at that path in this thread. */
export function atGlobalPath(path: string): unknown {
  let value: unknown = globalThis;
  for (const name of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

/** Whether the runtime's function of that path only works with `new`. */
export function needsNew(fn: AnyFunction, path: string): boolean {
  const { prototype } = fn as { prototype?: { constructor?: unknown } };
  return typeof prototype === "object" && prototype?.constructor === fn && !CALLABLE.has(path);
}

// Deno makes some of its functions when they are first read.
function ofGlobal(name: string): unknown {
  try {
    return Object.hasOwn(globalThis, name) ? atGlobalPath(name) : undefined;
  } catch {
    return undefined;
  }
}

// No getter is run: on Deno they load parts of the runtime.
function valueOf(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}
