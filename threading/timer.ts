/**
 * A thread that waits before it runs.
 *
 * @module
 */

import { Attachment } from "../_internal/memory/shared_object.ts";
import { show } from "../_internal/options.ts";
import { cancelDelay, setDelay, Thread } from "./thread.ts";

/**
 * Runs a function after a while, on a thread of its own.
 *
 * The time counts from {@linkcode Thread.start}, or rather from when the thread is up. Python: `threading.Timer`.
 *
 * @example
 * ```ts
 * import { Timer } from "@weft/concurrent/threading";
 *
 * const timer = new Timer(60_000, console.log, ["too late"]).start();
 * timer.cancel();
 * await timer.join();
 * ```
 */
export class Timer<A extends unknown[] = unknown[], R = unknown> extends Thread<A, R> {
  /**
   * Makes a timer that has not started.
   *
   * @param ms Milliseconds to wait.
   * @param fn What runs then: any function that a {@linkcode Thread} takes.
   * @param args The function's arguments.
   * @throws {RangeError} If `ms` is negative or NaN.
   */
  constructor(ms: number, fn: (...args: A) => R | Promise<R>, args?: A) {
    if ((ms as unknown) instanceof Attachment) {
      super(ms as never);
      return;
    }
    if (typeof ms !== "number") {
      throw new TypeError(`Cannot create timer as 'ms' must be a number: received ${show(ms)}`);
    }
    if (!(ms >= 0)) throw new RangeError(`Cannot create timer as 'ms' must be zero or more: received ${ms}`);
    if (typeof fn !== "function") {
      throw new TypeError(`Cannot create timer as 'fn' must be a function: received ${show(fn)}`);
    }
    super({ target: fn, args });
    setDelay(this, ms);
  }

  /** Keeps the function from running, if it has not begun; the thread then ends at once. */
  cancel(): void {
    cancelDelay(this);
  }
}
