/**
 * Questions that must be answered, unless the other side is gone.
 *
 * @module
 */

import { type Engine, NobodyError } from "./_engine.ts";

// Times in milliseconds.
/** How long the other side may take to answer. */
export const ANSWER = 2000;
/** How often a question is repeated that was not answered. */
const AGAIN = 100;
/** How long a program may be silent: what it asked for is ended then. Where nothing listens under its name, it is gone at once. */
export const SILENCE = 30_000;
/** So long nothing has to listen under a name until that is gone: it may be just connecting anew. */
export const ABSENT = 1500;

/** Whether nothing has listened for so long since that time that the other side is gone, and not just on its way back. */
export function isGone(engine: Engine, since: number, patience: number): boolean {
  const time = performance.now();
  return time - since >= patience && time - engine.backSince >= patience + ABSENT;
}

/** Asks until there is an answer. `undefined`: the other side is gone, or was silent for too long. */
export async function insist(
  engine: Engine,
  name: string,
  bytes: Uint8Array,
): Promise<Uint8Array | undefined> {
  let absentSince: number | undefined;
  for (let until = performance.now() + SILENCE; performance.now() < until && !engine.isClosed;) {
    try {
      return await engine.request(name, bytes, ANSWER);
    } catch (error) {
      // Nothing is known of the other side while the engine is away.
      if (engine.awaySince !== undefined) until = performance.now() + SILENCE;
      if (!(error instanceof NobodyError) || engine.awaySince !== undefined) absentSince = undefined;
      else if (isGone(engine, absentSince ??= performance.now(), ABSENT)) return undefined;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
  return undefined;
}
