/**
 * Waiting for time to pass.
 *
 * @module
 */

import { now } from "../_internal/atomics.ts";
import { isAttending, KILL, seeToOthers } from "../_internal/memory/participants.ts";
import { spaceOf } from "../_internal/memory/space.ts";
import { requireBlocking, SLICE_MS } from "../_internal/memory/wait_point.ts";
import { atDeadline, show, type WaitOptions } from "../_internal/options.ts";

/** The longest time that a blocked thread waits at once, in milliseconds. A longer wait is made of several. */
const LONGEST = 2 ** 30;

/**
 * Waits without blocking the event loop. The wait keeps the program alive.
 *
 * Python: `time.sleep`; `asyncio.sleep` for coroutines.
 *
 * @param ms How many milliseconds to wait, also more than 2^31. `Infinity` waits until the signal is aborted.
 * @param options `signal`, which ends the wait when it is aborted.
 * @throws {TypeError} If `ms` is not a number, or `signal` is not an `AbortSignal`.
 * @throws {RangeError} If `ms` is negative or NaN.
 * @throws The signal's reason, if it is aborted first.
 *
 * @example
 * ```ts
 * import { sleep } from "@weft/concurrent/sync";
 * import { assertRejects } from "@std/assert";
 *
 * await sleep(10);
 * const stop = AbortSignal.abort(new Error("stopped"));
 * await assertRejects(() => sleep(60_000, { signal: stop }), Error, "stopped");
 * ```
 */
export async function sleep(ms: number, options?: Pick<WaitOptions, "signal">): Promise<void> {
  validate(ms);
  const signal = validateSignal(options);
  signal?.throwIfAborted();
  const until = now() + ms;
  await new Promise<void>((resolve, reject) => {
    const callOff = atDeadline(until, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    const onAbort = (): void => {
      callOff();
      reject(signal!.reason);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/**
 * Blocks this thread for some time. A thread that is terminated meanwhile ends at once.
 *
 * Python: `time.sleep`.
 *
 * @param ms How many milliseconds to wait, also more than 2^31. `Infinity` waits forever.
 * @throws {TypeError} If `ms` is not a number.
 * @throws {RangeError} If `ms` is negative or NaN.
 *
 * @example
 * ```ts
 * import { sleepSync } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * const before = performance.now();
 * sleepSync(10);
 * assert(performance.now() - before >= 9);
 * ```
 */
export function sleepSync(ms: number): void {
  validate(ms);
  requireBlocking();
  const space = spaceOf("thread");
  const { memory, entry } = space;
  const until = now() + ms;
  for (;;) {
    space.endIfKilled();
    const left = until - now();
    if (left <= 0) return;
    // A thread that asks this thread to end writes this word and notifies it, so that this thread need not look again
    // and again.
    memory.wait(entry + KILL, 0, Math.min(isAttending() ? SLICE_MS : LONGEST, left));
    seeToOthers();
  }
}

function validate(ms: unknown): void {
  if (typeof ms !== "number") throw new TypeError(`Cannot sleep as 'ms' must be a number: received ${show(ms)}`);
  if (!(ms >= 0)) throw new RangeError(`Cannot sleep as 'ms' must be zero or more milliseconds: received ${ms}`);
}

function validateSignal(options: unknown): AbortSignal | undefined {
  if (options === undefined) return undefined;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot sleep as the options must be an object like { signal }: received ${show(options)}`);
  }
  const { signal } = options as { signal?: unknown };
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`Cannot sleep as 'signal' must be an AbortSignal: received ${show(signal)}`);
  }
  return signal;
}
