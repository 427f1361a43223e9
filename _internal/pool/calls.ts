/**
 * Calls of the functions that a program gave the pool, in a way that keeps these functions as fast as they are by themselves.
 *
 * V8 looks at what a call calls, and if that was always the same function, its quick compiler (Maglev) makes the function's
 * body a part of the caller. A worker's loop over tasks becomes hot by the number of tasks alone: after some hundred, the loops of
 * a task would run in the quick compiler's code, four times as slow as the code that they already had, and stay there. Calls
 * that have seen several functions are left as calls.
 *
 * @module
 */

/** A function of a program. */
export type AnyFunction = (...args: unknown[]) => unknown;

/** Calls a function with an item. */
export function callOn(fn: AnyFunction, item: unknown): unknown {
  return fn(item);
}

/** Calls a function with arguments. */
export function callWith(fn: AnyFunction, args: readonly unknown[]): unknown {
  return fn(...args);
}

// V8 takes no notes of the first calls, hence so many.
for (let i = 0; i < 100; i++) {
  for (const fn of [() => 0, () => 1]) {
    callOn(fn, i);
    callWith(fn, []);
  }
}
