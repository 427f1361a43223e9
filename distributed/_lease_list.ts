/**
 * What the server keeps of a lock or semaphore, and how programs derive from it which holders are gone, and when a
 * waiter is next.
 *
 * @module
 */

/** How long a waiter may leave a free permit unused before the next one passes it over: milliseconds. */
const PASSED = 150;

/** A holder of a permit. */
export interface Holder {
  id: string;
  beat: number;
  /** Milliseconds. */
  lease: number;
  /** An earlier holder was gone, and what is protected may be half changed. */
  isMarked: boolean;
}

/** What the server keeps. */
export interface Permits {
  /** How many permits there are; 0: not known yet. */
  limit: number;
  holders: Holder[];
  /** The waiters' ids in the order in which they came. */
  waiters: string[];
  lastToken: number;
  /** How many permits whose holders were gone have not been taken since. */
  abandoned: number;
}

/** The permits without these holders, as far as they still have the same beat: with a new beat they are not gone. */
export function without(permits: Permits, gone: readonly Holder[]): Permits {
  const isGone = (holder: Holder): boolean => gone.some(({ id, beat }) => id === holder.id && beat === holder.beat);
  const holders = permits.holders.filter((holder) => !isGone(holder));
  const lost = permits.holders.length - holders.length;
  return lost === 0 ? permits : { ...permits, holders, abandoned: permits.abandoned + lost };
}

/** What an object has seen of holders, on its own clock. */
export class Beats {
  readonly #beats: Map<string, { beat: number; since: number }> = new Map();
  /** In how many milliseconds it is worth looking again. */
  soonest = Infinity;

  /** The holders whose beat has not changed for the length of their leases. */
  goneOf({ holders }: Permits, backSince: number): Holder[] {
    const time = performance.now();
    const gone: Holder[] = [];
    this.soonest = Infinity;
    for (const id of this.#beats.keys()) if (!holders.some((holder) => holder.id === id)) this.#beats.delete(id);
    for (const holder of holders) {
      const { id, beat, lease } = holder;
      let seen = this.#beats.get(id);
      if (seen?.beat !== beat) this.#beats.set(id, seen = { beat, since: time });
      // While the server was away, the holder could not beat.
      const left = Math.max(seen.since, backSince) + lease - time;
      if (left <= 0) gone.push(holder);
      else this.soonest = Math.min(this.soonest, left);
    }
    return gone;
  }
}

/** What a waiter has seen of the waiters before it, on its own clock. */
export class Patience {
  /** Since when permits are free and the same waiter is the first. */
  #free: { first: string; since: number } | undefined;
  /** In how many milliseconds it is worth looking again. */
  soonest = Infinity;

  /**
   * Whether there is a permit for a waiter: it is among the first, or the waiters before it have done nothing for a
   * while.
   */
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
