/**
 * Connecting, where the engine may be about to come up.
 *
 * @module
 */

// Times in milliseconds.
/** Longer is not waited for a first connection: where nothing listens, the address is wrong. */
const MOST = 5000;
/** An attempt may take no longer: where a server dies that was just connected to, the client does not hear of it. */
const ATTEMPT = 2000;
const AGAIN = 100;

/** Tries until the time has passed; but what is refused once is refused again. */
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
      // Not every error of a connection is one of the way there: a certificate's file may be missing, say.
      const isAway = cause?.name === "TimeoutError" ||
        /connection refused|ECONNREFUSED|ECONNRESET|EPIPE|undefined error/i.test(String(cause));
      if (!isAway || performance.now() + AGAIN > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
}
