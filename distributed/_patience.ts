/**
 * Connecting, where the engine may be about to come up.
 *
 * @module
 */

import type { Engine } from "./_engine.ts";

// Times in milliseconds.
/** Longer is not waited for a first connection: where nothing listens, the address is wrong. */
const MOST = 5000;
const AGAIN = 100;

/** Tries until the time has passed; but what is refused once is refused again. */
export async function connectPatiently(
  connect: (timeout: number) => Promise<Engine>,
  timeout: number,
): Promise<Engine> {
  const until = performance.now() + Math.min(MOST, timeout);
  for (;;) {
    try {
      return await connect(Math.max(AGAIN, until - performance.now()));
    } catch (error) {
      const { cause } = error as { cause?: { name?: string } };
      const isAway = cause?.name === "ConnectionError" || cause?.name === "TimeoutError" ||
        /refused|ECONNREFUSED/i.test(String(cause));
      if (!isAway || performance.now() + AGAIN > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}
