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
const AGGREGATE = 254;
/** Class number of a `DOMException`. */
const DOM = 255;

const languageNames: Map<string, number> = new Map(
  classes.slice(0, classes.indexOf(URIError) + 1).map(({ name }, index) => [name, index]),
).set("AggregateError", AGGREGATE);

/** Own properties of errors that are not enumerable, besides `cause`: those of `SuppressedError`. */
const HIDDEN: readonly string[] = ["error", "suppressed"];
/** What is sent apart from the other properties, or in a way of its own. */
const KNOWN = new Set(["name", "message", "stack", "cause", "errors"]);

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

/** What is sent of an error besides its class, name, message and stack. */
export function propertiesOf(error: Error, number: number): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  const all = error as unknown as Record<string, unknown>;
  // Own and not enumerable, so it has to be asked for.
  if (Object.hasOwn(error, "cause")) properties.cause = error.cause;
  if (number === AGGREGATE) properties.errors = (error as AggregateError).errors;
  if (typeof SuppressedError === "function" && error instanceof SuppressedError) {
    for (const key of HIDDEN) properties[key] = all[key];
  }
  for (const key of Object.keys(error)) {
    if (KNOWN.has(key)) continue;
    // Also what objects have anyway, like `__proto__`.
    Object.defineProperty(properties, key, { value: all[key], configurable: true, enumerable: true, writable: true });
  }
  // Bun's errors of node's kind have it from their prototypes.
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && !Object.hasOwn(error, "code")) properties.code = code;
  return properties;
}

/** Gives an error the properties that were sent. */
export function giveProperties(error: Error, properties: Record<string, unknown>): void {
  for (const key of Object.keys(properties)) define(error, key, properties[key], key !== "cause" && key !== "errors");
}

/** Gives an instance of a registered class the stack of the original, and the cause, unless its class has seen to that. */
export function completeError(error: unknown, stack: unknown, cause: unknown): void {
  if (!(error instanceof Error)) return;
  if (typeof stack === "string") define(error, "stack", stack);
  if (cause !== undefined && !Object.hasOwn(error, "cause")) define(error, "cause", cause);
}

/** Gives an error a property, if it can have one. */
export function define(error: Error, key: string, value: unknown, enumerable = false): void {
  try {
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable });
  } catch {
    // A DOMException has accessors for some of these; an error of a class of the program may be frozen.
  }
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
