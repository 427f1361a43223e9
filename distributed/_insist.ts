/**
 * Questions that are repeated until they are answered or the other side is gone.
 *
 * @module
 */

import { type Engine, NotListeningError } from "./_engine.ts";

// Times in milliseconds.
/** How long the other side may take to answer. */
export const ANSWER = 2000;
/** The pause before an unanswered question is repeated. */
const AGAIN = 100;
/**
 * How long a program may be silent before its tasks are ended. If nothing listens under its name, it is gone sooner.
 */
export const SILENCE = 30_000;
/** How long nothing must listen under a name before the program counts as gone. Until then it may be reconnecting. */
export const ABSENT = 1500;

/** Whether nothing has listened since that time for so long that the other side is gone and not just reconnecting. */
export function isGone(engine: Engine, since: number, patience: number): boolean {
  const time = performance.now();
  return time - since >= patience && time - engine.backSince >= patience + ABSENT;
}

/** Asks until there is an answer; `undefined`: the other side is gone, or was silent for too long. */
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
      // Silence proves nothing about the other side while the engine is away.
      if (engine.awaySince !== undefined) until = performance.now() + SILENCE;
      if (!(error instanceof NotListeningError) || engine.awaySince !== undefined) absentSince = undefined;
      else if (isGone(engine, absentSince ??= performance.now(), ABSENT)) return undefined;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
  }
  return undefined;
}
