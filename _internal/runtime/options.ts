/**
 * Options that the library gives to the runtime, or has in place of those that a caller left out.
 *
 * @module
 */

/** The same options, in which nothing is found that a program has added to `Object.prototype`: `env`, `name` or `timeout`. */
export function withoutPrototype<T extends object>(options: T): T {
  return Object.setPrototypeOf(options, null) as T;
}

/** No options at all. */
export const NO_OPTIONS: Readonly<Record<string, never>> = Object.freeze(withoutPrototype({}));

/** The options that a caller gave, or none. */
export function optionsOr<T extends object>(given: T | null | undefined): Partial<T> {
  return given ?? NO_OPTIONS as Partial<T>;
}
