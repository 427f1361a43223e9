/**
 * Timers that do not keep the program alive.
 *
 * @module
 */

import { deno } from "./globals.ts";

/** Lets the program end before a timer has fired. */
export function unrefTimer(timer: ReturnType<typeof setTimeout>): ReturnType<typeof setTimeout> {
  if (typeof timer === "number") deno?.unrefTimer(timer);
  else (timer as { unref(): void }).unref();
  return timer;
}
