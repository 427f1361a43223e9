/**
 * Gives up calls of a pool when their signals are aborted or their timeouts pass.
 *
 * @module
 */

import { TimeoutError } from "../errors.ts";
import { atDeadline, deadlineOf } from "../options.ts";
import { type Future, whereIs } from "./future.ts";
import type { Limits } from "./pool_options.ts";

/** The error of a call that is given up at once: its signal is aborted already, or its timeout is 0. */
export function givenUp(limits: Limits | undefined): { error: unknown } | undefined {
  if (limits?.signal?.aborted) return { error: limits.signal.reason };
  return limits?.timeout === 0 ? { error: timeoutError(0, ": the task had not begun") } : undefined;
}

function timeoutError(timeout: number, place: string): TimeoutError {
  return new TimeoutError(`Cannot finish task as it took more than the ${timeout} ms of 'timeout'${place}`);
}

/** Watches the limits of the calls of a pool. */
export class GivingUp {
  readonly #together: (giveUp: () => void) => void;
  /** The signals that are watched, with the calls that each gives up. */
  readonly #signals: Map<AbortSignal, { calls: Set<() => void>; listener: () => void }> = new Map();

  /** `together` runs a function that gives up several calls. */
  constructor(together: (giveUp: () => void) => void) {
    this.#together = together;
  }

  /**
   * Calls `giveUp` when a limit is reached, unless `settled` is settled before. The error of a `single` task's timeout says
   * whether it ran, which decides what the caller does next: make the pool larger, or look at what the task does.
   */
  limit(
    limits: Limits,
    settled: Promise<unknown>,
    giveUp: (error: unknown, state: "finished" | "cancelled") => void,
    single?: Future<unknown>,
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
      giveUp(timeoutError(timeout, single === undefined ? "" : whereIs(single, "was")), "finished");
    });
    if (signal !== undefined) this.#listen(signal, onAbort);
    settled.then(over, over);
  }

  // A signal has one listener for all of its calls: tasks that have not begun must be taken back before workers learn that the
  // tasks that they run are given up. Otherwise such a worker would begin with the next task of the same signal.
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
