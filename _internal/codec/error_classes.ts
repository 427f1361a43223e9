/**
 * The classes, properties and stacks of errors that are sent.
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
  // Thrown by `using` when a disposal fails after another error: it contains both errors.
  ...(typeof SuppressedError === "function" ? [SuppressedError as unknown as ErrorClass] : []),
  ...(Object.values(own) as unknown[]).filter((value): value is ErrorClass =>
    typeof value === "function" && value.prototype instanceof Error
  ),
  // After all others: the numbers of the classes above must be the same on every runtime.
  ...errorsOf((globalThis as { WebAssembly?: object }).WebAssembly),
  ...errorsOf(deno?.errors),
];

function errorsOf(namespace: object | undefined): ErrorClass[] {
  return Object.getOwnPropertyNames(namespace ?? {}).sort().map((key) => namespace![key as keyof object] as unknown)
    .filter((value): value is ErrorClass => typeof value === "function" && value.prototype instanceof Error);
}

const numbers: Map<object, number> = new Map(classes.map((type, index) => [type.prototype, index]));

/** The class number of an `AggregateError`. */
const AGGREGATE = 254;
/** The class number of a `DOMException`. */
const DOM = 255;

const languageNames: Map<string, number> = new Map(
  classes.slice(0, classes.indexOf(URIError) + 1).map(({ name }, index) => [name, index]),
).set("AggregateError", AGGREGATE);

/** Own properties of errors that are not enumerable, besides `cause`: those of `SuppressedError`. */
const HIDDEN: readonly string[] = ["error", "suppressed"];
/** The properties that are not sent with the own enumerable properties, but separately. */
const KNOWN = new Set(["name", "message", "stack", "cause", "errors"]);

/** The number of the nearest class that the receiver knows. */
export function numberOf(error: Error): number {
  if (typeof DOMException !== "undefined" && error instanceof DOMException) return DOM;
  for (let prototype: object | null = error; prototype !== null; prototype = Object.getPrototypeOf(prototype)) {
    if (prototype === AggregateError.prototype) return AGGREGATE;
    const number = numbers.get(prototype);
    if (number !== undefined) return number;
  }
  // An error of another realm, or without a prototype, is classified by its name, as in a structured clone.
  const { name } = error as { name?: unknown };
  return typeof name === "string" ? languageNames.get(name) ?? 0 : 0;
}

/** Makes an error of the class with this number, without properties. */
export function makeError(number: number, name: string, message: string): Error {
  if (number === DOM) {
    const { QuotaExceededError } = globalThis as { QuotaExceededError?: ErrorClass };
    return name === QuotaExceededError?.name ? new QuotaExceededError(message) : new DOMException(message, name);
  }
  if (number === AGGREGATE) return new AggregateError([], message);
  // With the class as new.target instead of its constructor: the constructors of some classes take more than a message.
  return Reflect.construct(Error, [message], classes[number] ?? Error) as Error;
}

/** The properties of an error that are sent besides its class, name, message and stack. */
export function propertiesOf(error: Error, number: number): Record<string, unknown> {
  const properties: Record<string, unknown> = {};
  const all = error as unknown as Record<string, unknown>;
  // The cause is an own property, but not enumerable.
  if (Object.hasOwn(error, "cause")) properties.cause = error.cause;
  if (number === AGGREGATE) properties.errors = (error as AggregateError).errors;
  if (typeof SuppressedError === "function" && error instanceof SuppressedError) {
    for (const key of HIDDEN) properties[key] = all[key];
  }
  for (const key of Object.keys(error)) {
    if (KNOWN.has(key)) continue;
    // Defined, not assigned: a property may be called `__proto__`.
    Object.defineProperty(properties, key, { value: all[key], configurable: true, enumerable: true, writable: true });
  }
  // In Bun, node's errors inherit their code from their prototypes.
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && !Object.hasOwn(error, "code")) properties.code = code;
  return properties;
}

/** Gives an error the properties that were sent. */
export function giveProperties(error: Error, properties: Record<string, unknown>): void {
  for (const key of Object.keys(properties)) define(error, key, properties[key], key !== "cause" && key !== "errors");
}

/** Gives an instance of a registered class the stack of the original, and the cause unless its class has set that. */
export function completeError(error: unknown, stack: unknown, cause: unknown): void {
  if (!(error instanceof Error)) return;
  if (typeof stack === "string") define(error, "stack", stack);
  if (cause !== undefined && !Object.hasOwn(error, "cause")) define(error, "cause", cause);
}

/** Defines a property of an error, if the error allows it. */
export function define(error: Error, key: string, value: unknown, enumerable = false): void {
  try {
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable });
  } catch {
    // A DOMException has accessors for some of these properties, and an error of a class of the program may be frozen.
  }
}

/**
 * Appends the frames of the place where an error is thrown again to its stack. `local` is a stack that was taken there.
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
