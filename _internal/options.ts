/**
 * Arguments: the options of all waits, their deadlines, checks of arguments and their error messages, and safe reading
 * of option objects.
 *
 * @module
 */

import { now } from "./atomics.ts";

/** Options of operations that block the calling thread. */
export interface WaitSyncOptions {
  /**
   * How long to wait, in milliseconds. With `0` the call does not wait. A negative number or NaN throws `RangeError`.
   * Default: `Infinity`, which waits forever.
   */
  timeout?: number;
}

/** Options of operations that return a promise. */
export interface WaitOptions extends WaitSyncOptions {
  /**
   * Cancels the wait: the promise rejects with the signal's reason. A signal that is already aborted rejects even if
   * the operation could succeed at once. Default: the wait cannot be cancelled.
   */
  signal?: AbortSignal;
}

/**
 * Checks the options and returns their timeout in milliseconds; `Infinity` if there is none. `action` is used in error
 * messages.
 */
export function validateWait(options: WaitOptions | undefined, action: string): number {
  if (options === undefined) return Infinity;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot ${action} as the options must be an object like { timeout: 100 }: received ${show(options)}`,
    );
  }
  const { timeout, signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`Cannot ${action} as 'signal' must be an AbortSignal: received ${show(signal)}`);
  }
  if (timeout === undefined) return Infinity;
  if (typeof timeout !== "number") {
    throw new TypeError(`Cannot ${action} as 'timeout' must be a number of milliseconds: received ${show(timeout)}`);
  }
  if (!(timeout >= 0)) {
    throw new RangeError(`Cannot ${action} as 'timeout' must be zero or more milliseconds: received ${timeout}`);
  }
  return timeout;
}

/**
 * The time `timeout` milliseconds from now, on the clock of {@linkcode now}. 0 for a timeout of 0, without reading the
 * clock.
 */
export function deadlineOf(timeout: number): number {
  return timeout === Infinity ? Infinity : timeout === 0 ? 0 : now() + timeout;
}

/** The longest delay that a timer takes, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

/**
 * Calls `onTime` in a later turn of the event loop, once the clock of {@linkcode now} has passed `deadline`. A timer
 * takes no more than 25 days and may fire a little early, so several timers may follow one another. They keep the
 * program alive, forever if the deadline is `Infinity`.
 *
 * @returns A function that cancels the call.
 */
export function atDeadline(deadline: number, onTime: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const set = (): void => {
    timer = setTimeout(
      () => now() < deadline ? set() : onTime(),
      Math.min(LONGEST, Math.max(0, Math.ceil(deadline - now()))),
    );
  };
  set();
  return () => clearTimeout(timer);
}

/** The text of any value, for an error message. Some objects cannot be converted to text: converting them throws. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  try {
    return String(value);
  } catch {
    return typeof value === "function" ? "[function]" : "[object]";
  }
}

/** Throws unless `value` is a whole number from `min` to `max`. `what` names the argument: `'value'`. */
export function validateInteger(value: unknown, what: string, min: number, max: number, action: string): void {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${action} as ${what} must be a number: received ${show(value)}`);
  }
  if (!Number.isInteger(value) || value < min || value > max) {
    const range = max >= 0x3fffffff && !(value > max) ? `of ${min} or more` : `from ${min} to ${max}`;
    throw new RangeError(`Cannot ${action} as ${what} must be a whole number ${range}: received ${value}`);
  }
}

/**
 * Removes the prototype of an options object and returns the object. Without this, `env`, `name` or `timeout` that a
 * program has added to `Object.prototype` would be taken for options.
 */
export function withoutPrototype<T extends object>(options: T): T {
  return Object.setPrototypeOf(options, null) as T;
}

/**
 * Copies the options with these names from an object. An object may have them as own properties or inherit them from a
 * class or another object, but not from `Object.prototype`, to which a program may have added anything.
 */
export function copyOptions<T extends object>(
  given: object | undefined,
  names: readonly (keyof T & string)[],
): Partial<T> {
  const options = withoutPrototype<Partial<T>>({});
  for (let from = given ?? null; from !== null && from !== Object.prototype; from = Object.getPrototypeOf(from)) {
    for (const name of names) {
      if (!(name in options) && Object.hasOwn(from, name)) options[name] = (given as T)[name];
    }
  }
  return options;
}

/**
 * Throws if `options` has a property that is not in `names`. A misspelled option would otherwise be ignored silently.
 *
 * @throws {TypeError} If there is such a property. The message lists the names.
 */
export function requireNames(options: object, names: readonly string[], action: string): void {
  for (const name of Object.keys(options)) {
    if (names.includes(name)) continue;
    throw new TypeError(`Cannot ${action} as there is no option '${name}': there are ${names.join(", ")}`);
  }
}

/** No options at all. */
export const NO_OPTIONS: Readonly<Record<string, never>> = Object.freeze(withoutPrototype({}));

/** The options that a caller gave, or none. */
export function optionsOr<T extends object>(given: T | null | undefined): Partial<T> {
  return given ?? NO_OPTIONS as Partial<T>;
}
