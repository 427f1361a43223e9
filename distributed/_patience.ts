/**
 * Connecting to an engine that may be about to start.
 *
 * @module
 */

// Times in milliseconds.
/** The longest wait for a first connection: if nothing listens until then, the address is wrong. */
const MOST = 5000;
/** The longest attempt: if a server dies while the client connects to it, the client does not notice. */
const ATTEMPT = 2000;
const AGAIN = 100;

/** Connects, and tries again until the time has passed. A refusal is final: it would be repeated. */
export async function connectPatiently<E>(
  connect: (timeout: number) => Promise<E>,
  timeout: number,
): Promise<E> {
  const until = performance.now() + Math.min(MOST, timeout);
  for (;;) {
    try {
      return await connect(Math.max(AGAIN, Math.min(ATTEMPT, until - performance.now())));
    } catch (error) {
      const { cause } = error as { cause?: { name?: string } };
      // Only errors of the way to the server are worth another attempt, not a missing certificate file, for example.
      const isAway = cause?.name === "TimeoutError" ||
        /connection refused|ECONNREFUSED|ECONNRESET|EPIPE|undefined error/i.test(String(cause));
      if (!isAway || performance.now() + AGAIN > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}
