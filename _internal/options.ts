/**
 * Arguments: the options of everything that waits, their deadlines, what is said of wrong arguments, and what stands for no
 * options.
 *
 * @module
 */

import { now } from "./atomics.ts";

/** Options of operations that block the calling thread. */
export interface WaitSyncOptions {
  /**
   * Milliseconds to wait at most. Absent or `Infinity`: for ever; `0`: do not wait. Negative or NaN: `RangeError`.
   */
  timeout?: number;
}

/** Options of operations that return a promise. */
export interface WaitOptions extends WaitSyncOptions {
  /**
   * Gives the wait up: the promise rejects with the signal's reason. A signal that is aborted already rejects even where
   * the operation could succeed.
   */
  signal?: AbortSignal;
}

/** The timeout that the options ask for, in milliseconds; `Infinity` for none. `action` is for the message. */
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

/** When that many milliseconds from now will be. */
export function deadlineOf(timeout: number): number {
  return timeout === Infinity ? Infinity : timeout === 0 ? 0 : now() + timeout;
}

/** The longest delay that a timer takes. */
const LONGEST = 2 ** 31 - 1;

/**
 * Calls `onTime` once the clock of {@linkcode now} has passed `deadline`, in a later turn of the event loop. A timer takes no
 * more than 25 days and may fire a little early, so several follow one another where they must. The program stays alive
 * meanwhile, for ever where the deadline is `Infinity`.
 *
 * @returns Calls it off.
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

/** A value in a message, whatever it is: some objects cannot be made text of, and say so with an error of their own. */
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

/** The same options, in which nothing is found that a program has added to `Object.prototype`: `env`, `name` or `timeout`. */
export function withoutPrototype<T extends object>(options: T): T {
  return Object.setPrototypeOf(options, null) as T;
}

/**
 * A copy of the options of these names that an object has, itself or from a class or another object, but not of what a program
 * has added to `Object.prototype`.
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
 * Throws where options have a name that is none of these: what is misspelled would be as if it was not there.
 *
 * @throws {TypeError} With the names.
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
