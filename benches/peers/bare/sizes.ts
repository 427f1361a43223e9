/** How large works are, for players of this library and for bare ones. */

/** Workers of a pool. */
export const WORKERS = 2;
/** Tasks that are submitted before the first is awaited. */
export const BATCH = 10_000;
export const MB = 1_000_000;
/** Milliseconds after which a partner without a message sleeps. */
export const ASLEEP_MS = 6;

/** An object of 1 KB. */
export function object(id: number): { id: number; name: string; tags: string[] } {
  return { id, name: PADDING, tags: ["a", "b"] };
}

const PADDING = "x".repeat(1000);
