/**
 * The offers that an agent has received. An offer is repeated if its answer was lost, maybe much later, and must not be
 * begun twice.
 *
 * @module
 */

/**
 * Driver to agent, `offer`: a parcel that is granted to the agent if it begins it at once. Repeated until it is
 * answered.
 */
export interface Offer {
  driver: string;
  /** The number of the offer, counted by the driver. */
  number: number;
  nonce: string;
  /** The bytes of the parcel. */
  parcel: Uint8Array;
}

/** How many offers of a driver are remembered. An offer that is older than these is not taken. */
const KNOWN = 1024;
/** How many drivers are remembered. */
const MANY = 10_000;

/** The offers that have arrived. */
export class TakenOffers {
  /** For each driver: whether each offer was taken, and the highest number. */
  readonly #drivers: Map<string, { readonly taken: Map<number, boolean>; highest: number; floor: number }> = new Map();

  /**
   * Takes an offer if it is new and `take` accepts it. A repeated offer gets the same answer. An offer that is too old
   * to be remembered counts as taken: it may have been begun, and the driver will find that the agent does not have it.
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

  /** A driver is gone, as far as is known. If it is not, its earlier offers are still not begun again. */
  forget(driver: string): void {
    const its = this.#drivers.get(driver);
    if (its === undefined) return;
    this.#drivers.delete(driver);
    this.#drivers.set(driver, { taken: new Map(), highest: its.highest, floor: its.highest });
    if (this.#drivers.size > MANY) this.#drivers.delete(this.#drivers.keys().next().value!);
  }
}
