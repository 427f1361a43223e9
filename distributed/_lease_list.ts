/**
 * What is kept of a lock or semaphore, and what programs that look at it find out: which holders are gone, and when a waiter is next.
 *
 * @module
 */

/** Waiters that are before another and do nothing with a permit that is free are passed over after so long, each: milliseconds. */
const PASSED = 150;

/** A holder of a permit. */
export interface Holder {
  id: string;
  beat: number;
  /** Milliseconds. */
  lease: number;
  /** A holder before it was gone, and what is protected may be half changed. */
  isMarked: boolean;
}

/** What is kept. */
export interface Permits {
  /** How many there are; 0: it was not said yet. */
  limit: number;
  holders: Holder[];
  /** In the order in which they came. */
  waiters: string[];
  lastToken: number;
  /** Permits whose holders were taken for gone, and that were not taken since. */
  abandoned: number;
}

/** Permits without those holders, if they have the same beat still: had they beaten, they would not be gone. */
export function without(permits: Permits, gone: readonly Holder[]): Permits {
  const isGone = (holder: Holder): boolean => gone.some(({ id, beat }) => id === holder.id && beat === holder.beat);
  const holders = permits.holders.filter((holder) => !isGone(holder));
  const lost = permits.holders.length - holders.length;
  return lost === 0 ? permits : { ...permits, holders, abandoned: permits.abandoned + lost };
}

/** What an object has seen of holders, on its own clock. */
export class Beats {
  readonly #beats: Map<string, { beat: number; since: number }> = new Map();
  /** In so many milliseconds it is worth to look again. */
  soonest = Infinity;

  /** The holders that have not beaten for the length of their leases. */
  goneOf({ holders }: Permits, backSince: number): Holder[] {
    const time = performance.now();
    const gone: Holder[] = [];
    this.soonest = Infinity;
    for (const id of this.#beats.keys()) if (!holders.some((holder) => holder.id === id)) this.#beats.delete(id);
    for (const holder of holders) {
      const { id, beat, lease } = holder;
      let seen = this.#beats.get(id);
      if (seen?.beat !== beat) this.#beats.set(id, seen = { beat, since: time });
      // While the server was away, the holder could not say anything.
      const left = Math.max(seen.since, backSince) + lease - time;
      if (left <= 0) gone.push(holder);
      else this.soonest = Math.min(this.soonest, left);
    }
    return gone;
  }
}

/** What a waiter has seen of those before it, on its own clock. */
export class Patience {
  /** Since when permits are free, and the same waiter is the first. */
  #free: { first: string; since: number } | undefined;
  /** In so many milliseconds it is worth to look again. */
  soonest = Infinity;

  /** Whether there is a permit for a waiter: it is among the first, or those have done nothing for a while. */
  isNext({ limit, holders, waiters }: Permits, id: string): boolean {
    const free = limit - holders.length;
    const position = waiters.indexOf(id);
    this.soonest = Infinity;
    if (free <= 0 || position < 0) {
      this.#free = undefined;
      return false;
    }
    if (position < free) return true;
    const time = performance.now();
    if (this.#free?.first !== waiters[0]) this.#free = { first: waiters[0], since: time };
    const left = this.#free.since + (position - free + 1) * PASSED - time;
    if (left <= 0) return true;
    this.soonest = Math.min(this.soonest, left);
    return false;
  }
}
