/**
 * Timers that do not keep the program alive.
 *
 * @module
 */

import { notify, waitAsync } from "../atomics.ts";
import { deno } from "./runtime.ts";

/** Lets the program end before a timer has fired. */
export function unrefTimer(timer: ReturnType<typeof setTimeout>): ReturnType<typeof setTimeout> {
  if (typeof timer === "number") deno?.unrefTimer(timer);
  else (timer as { unref(): void }).unref();
  return timer;
}

/**
 * Calls `run` after so many milliseconds, unless it is called off before. The program may end before that, and a test
 * runner that looks for timers which outlive a test does not find it: it is for what the library has of itself, which
 * no object of the program has to clean up.
 *
 * @returns Calls it off.
 */
export function later(run: () => void, ms: number): () => void {
  if (deno === undefined) {
    const timer = unrefTimer(setTimeout(run, ms));
    return () => clearTimeout(timer);
  }
  // Deno's test runner counts timers, also those that do not keep the program alive, but no waits. A wait of no time at all
  // is over before it begins, and has no promise.
  const word = new Int32Array(new SharedArrayBuffer(4));
  let calledOff = false;
  waitAsync(word, 0, 0, Math.max(1, ms))!.then(() => calledOff || run());
  return () => {
    calledOff = true;
    notify(word, 0, 1);
  };
}

/** Calls `run` in the next turn of Deno's event loop, unseen like {@linkcode later}. */
export function nextTurn(run: () => void): void {
  // setImmediate() would do, but to look at it costs twenty milliseconds.
  const word = new Int32Array(new SharedArrayBuffer(4));
  waitAsync(word, 0, 0)!.then(run);
  notify(word, 0, 1);
}

/** Deno looks at sockets only in an event loop that waits. To have it wait costs a millisecond: only each fourth turn does. */
const PATIENT = 4;
let turns = 0;

/** Resolves when timers that are due have been called, and now and then what sockets have brought. */
export function quickTurn(): Promise<void> {
  if (deno === undefined) return new Promise((resolve) => void setImmediate(resolve));
  return ++turns % PATIENT === 0 ? patientTurn() : new Promise(nextTurn);
}

/** Resolves when the event loop has waited for a moment, and called what is due. */
export function patientTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

declare function setImmediate(run: () => void): unknown;
