/**
 * What an agent knows of the offers that it was made. The same offer comes again where its answer was lost, maybe much later, and must not
 * be begun with twice.
 *
 * @module
 */

/** Driver to agent, `offer`: a parcel that the agent is granted if it begins with it at once. Asked again until it is answered. */
export interface Offer {
  driver: string;
  /** Counts the offers of a driver. */
  number: number;
  nonce: string;
  /** The bytes of the parcel. */
  parcel: Uint8Array;
}

/** So many offers of a driver are known again; none that is as much older than the newest is taken. */
const KNOWN = 1024;
/** Of so many drivers something is known. */
const MANY = 10_000;

/** Offers that came. */
export class TakenOffers {
  /** By drivers: whether they were taken, by their numbers, and the highest number. */
  readonly #drivers: Map<string, { readonly taken: Map<number, boolean>; highest: number; floor: number }> = new Map();

  /**
   * Takes an offer, if it is new and `take` does so. The answer to one that came before is the same. One that is too old to be known is
   * said to be taken: the driver finds that the agent does not have it, and cannot know whether it was begun with.
   */
  take(driver: string, number: number, take: () => boolean): boolean {
    let its = this.#drivers.get(driver);
    if (its === undefined) this.#drivers.set(driver, its = { taken: new Map(), highest: 0, floor: 0 });
    const known = its.taken.get(number);
    if (known !== undefined) return known;
    if (number <= Math.max(its.floor, its.highest - KNOWN)) return true;
    const isTaken = take();
    its.taken.set(number, isTaken);
    its.highest = Math.max(its.highest, number);
    if (its.taken.size > 2 * KNOWN) {
      for (const old of its.taken.keys()) if (old <= its.highest - KNOWN) its.taken.delete(old);
    }
    return isTaken;
  }

  /** A driver is gone, as far as is known. Where it is not, what it has offered so far is still not begun with again. */
  forget(driver: string): void {
    const its = this.#drivers.get(driver);
    if (its === undefined) return;
    this.#drivers.delete(driver);
    this.#drivers.set(driver, { taken: new Map(), highest: its.highest, floor: its.highest });
    if (this.#drivers.size > MANY) this.#drivers.delete(this.#drivers.keys().next().value!);
  }
}
