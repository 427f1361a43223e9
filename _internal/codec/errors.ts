/**
 * Errors on the way: which class they are of, and their stacks.
 *
 * @module
 */

import * as own from "../errors.ts";
import { deno } from "../runtime/runtime.ts";

type ErrorClass = new (message: string) => Error;

const classes: ErrorClass[] = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  // What `using` throws when a disposal fails after something else had; it has two errors in it.
  ...(typeof SuppressedError === "function" ? [SuppressedError as unknown as ErrorClass] : []),
  ...(Object.values(own) as unknown[]).filter((value): value is ErrorClass =>
    typeof value === "function" && value.prototype instanceof Error
  ),
  // Behind all others: the numbers before are the same on every runtime.
  ...errorsOf((globalThis as { WebAssembly?: object }).WebAssembly),
  ...errorsOf(deno?.errors),
];

function errorsOf(namespace: object | undefined): ErrorClass[] {
  return Object.getOwnPropertyNames(namespace ?? {}).sort().map((key) => namespace![key as keyof object] as unknown)
    .filter((value): value is ErrorClass => typeof value === "function" && value.prototype instanceof Error);
}

const numbers: Map<object, number> = new Map(classes.map((type, index) => [type.prototype, index]));

/** Class number of an `AggregateError`. */
export const AGGREGATE = 254;
const languageNames: Map<string, number> = new Map(
  classes.slice(0, classes.indexOf(URIError) + 1).map(({ name }, index) => [name, index]),
).set("AggregateError", AGGREGATE);
/** Class number of a `DOMException`. */
export const DOM = 255;

/** Own properties of errors that are not enumerable, besides `cause`: those of `SuppressedError`. */
export const HIDDEN: readonly string[] = ["error", "suppressed"];

/** The number of the nearest class that the other side knows. */
export function numberOf(error: Error): number {
  if (typeof DOMException !== "undefined" && error instanceof DOMException) return DOM;
  for (let prototype: object | null = error; prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    if (prototype === AggregateError.prototype) return AGGREGATE;
    const number = numbers.get(prototype);
    if (number !== undefined) return number;
  }
  // Of another realm, or without a prototype: by its name, as in a structured clone.
  const { name } = error as { name?: unknown };
  return typeof name === "string" ? languageNames.get(name) ?? 0 : 0;
}

/** An error of that class, without properties. */
export function makeError(number: number, name: string, message: string): Error {
  if (number === DOM) {
    const { QuotaExceededError } = globalThis as { QuotaExceededError?: ErrorClass };
    return name === QuotaExceededError?.name ? new QuotaExceededError(message) : new DOMException(message, name);
  }
  if (number === AGGREGATE) return new AggregateError([], message);
  // With the class as new.target, not by its constructor: own classes take more than a message.
  return Reflect.construct(Error, [message], classes[number] ?? Error) as Error;
}

/**
 * Adds where an error came out to where it came from. `local` is a stack that was taken where it is thrown again.
 */
export function joinStacks(error: unknown, local: string | undefined): void {
  if (!(error instanceof Error) || typeof error.stack !== "string" || local === undefined) return;
  const frames = local.slice(local.indexOf("\n") + 1);
  if (frames === "" || error.stack.endsWith(frames)) return;
  try {
    Object.defineProperty(error, "stack", {
      value: `${error.stack}\n    ---- thrown again by ----\n${frames}`,
      configurable: true,
      writable: true,
    });
  } catch {
    // A frozen error keeps its own stack.
  }
}
