/**
 * What gives a pool's tasks up: signals and timeouts.
 *
 * @module
 */

import { TimeoutError } from "../errors.ts";
import { atDeadline, deadlineOf } from "../options.ts";
import type { Limits } from "./pool_options.ts";

/** The error of what is given up before it begins: its signal is aborted, or there is no time for it at all. */
export function givenUp(limits: Limits | undefined): { error: unknown } | undefined {
  if (limits?.signal?.aborted) return { error: limits.signal.reason };
  return limits?.timeout === 0 ? { error: timeoutError(0) } : undefined;
}

function timeoutError(timeout: number): TimeoutError {
  return new TimeoutError(`Cannot finish task as it took more than the ${timeout} ms of 'timeout'`);
}

/** Waits for what gives calls of a pool up. */
export class GivingUp {
  readonly #together: (giveUp: () => void) => void;
  /** The signals that may give something up, and what. */
  readonly #signals: Map<AbortSignal, { calls: Set<() => void>; listener: () => void }> = new Map();

  /** `together` runs what gives several calls up at once. */
  constructor(together: (giveUp: () => void) => void) {
    this.#together = together;
  }

  /** Calls `giveUp` when the limits are reached, unless `settled` is settled before. */
  limit(
    limits: Limits,
    settled: Promise<unknown>,
    giveUp: (error: unknown, state: "finished" | "cancelled") => void,
  ): void {
    const { signal, timeout } = limits;
    const over = (): void => {
      callOff?.();
      if (signal !== undefined) this.#forget(signal, onAbort);
    };
    const onAbort = (): void => {
      over();
      giveUp(signal!.reason, "cancelled");
    };
    const callOff = timeout === Infinity ? undefined : atDeadline(deadlineOf(timeout), () => {
      over();
      giveUp(timeoutError(timeout), "finished");
    });
    if (signal !== undefined) this.#listen(signal, onAbort);
    settled.then(over, over);
  }

  // One listener for all that a signal gives up: what has not begun must be taken back before a worker hears that what it
  // runs is given up, or it would take the next.
  #listen(signal: AbortSignal, onAbort: () => void): void {
    const known = this.#signals.get(signal);
    if (known !== undefined) {
      known.calls.add(onAbort);
      return;
    }
    const calls = new Set([onAbort]);
    const listener = (): void => this.#together(() => calls.forEach((call) => call()));
    this.#signals.set(signal, { calls, listener });
    signal.addEventListener("abort", listener, { once: true });
  }

  #forget(signal: AbortSignal, onAbort: () => void): void {
    const known = this.#signals.get(signal);
    if (known === undefined || !known.calls.delete(onAbort) || known.calls.size > 0) return;
    this.#signals.delete(signal);
    signal.removeEventListener("abort", known.listener);
  }
}
