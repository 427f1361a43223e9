/**
 * Offers: a parcel goes straight to an agent that has a free slot, as far as is known, and not through the queue. That halves the way
 * of a task.
 *
 * The agent is granted the parcel before it gets it. So an offer is made again until it is answered, and the parcel goes into the queue
 * only where it is certain that the agent does not have it: it has said so, or nothing has ever listened there. An agent is made
 * offers only while it was heard a moment ago: one that is frozen, or off, would take what it is offered with it.
 *
 * @module
 */

import type { KnownAgents } from "./_agents_known.ts";
import { type Engine, NobodyError } from "./_engine.ts";
import { ANSWER } from "./_insist.ts";
import type { Offer } from "./_offers_taken.ts";
import type { SentParcel } from "./_parcels.ts";
import { toBytes } from "./_wire.ts";

// Times in milliseconds.
/** So lately an agent has to have been heard. */
const LATELY = 1000;
/** So long an agent is made no offers that has refused one. */
const REFUSED = 20;
/** How soon an offer is made again that was not answered. */
const AGAIN = 100;

/** What follows from an offer. */
export interface OfferHost {
  /** Whether the parcel is with that agent by that nonce, and not over. */
  isWith(parcel: SentParcel, nonce: string): boolean;
  /** The agent has the parcel. */
  taken(parcel: SentParcel): void;
  /** Tells the agent again what it is to give up of the parcel. */
  tellAgain(parcel: SentParcel): void;
  /** The agent does not have the parcel: it goes into the queue. */
  refused(parcel: SentParcel): void;
}

/** Makes the offers of one driver. */
export class Offering {
  readonly #driver: string;
  #offers = 0;
  readonly #agents: KnownAgents;
  readonly #host: OfferHost;
  /** Agents that have refused an offer, and until when they are made none. */
  readonly #refused: Map<string, number> = new Map();

  constructor(driver: string, agents: KnownAgents, host: OfferHost) {
    this.#driver = driver;
    this.#agents = agents;
    this.#host = host;
  }

  /** An agent that has a free slot, as far as is known. `granted`: how many parcels each has. */
  free(granted: ReadonlyMap<string, { readonly size: number }>): string | undefined {
    const time = performance.now();
    for (const [agent, until] of this.#refused) if (until < time) this.#refused.delete(agent);
    let best: string | undefined;
    let most = 0;
    for (const { id, slots } of this.#agents.since(time - LATELY)) {
      const free = slots - (granted.get(id)?.size ?? 0);
      if (free > most && (this.#refused.get(id) ?? 0) < time) [best, most] = [id, free];
    }
    return best;
  }

  /** Offers a parcel to the agent that was granted it. */
  async offer(engine: Engine, parcel: SentParcel): Promise<void> {
    const { agent, nonce, bytes } = parcel;
    const offer: Offer = { driver: this.#driver, number: ++this.#offers, nonce, parcel: bytes };
    const question = toBytes(offer);
    // Whether the agent may have heard of it.
    let isUnknown = false;
    while (this.#host.isWith(parcel, nonce) && !engine.isClosed) {
      try {
        const [isTaken] = await engine.request(`agent.${agent}.${parcel.inEach ? "each" : "offer"}`, question, ANSWER);
        if (isTaken === 1) {
          this.#agents.heardOf(agent!);
          this.#host.taken(parcel);
          // It may have been told to give up what it did not have yet.
          if (isUnknown) this.#host.tellAgain(parcel);
          return;
        }
        this.#refused.set(agent!, performance.now() + REFUSED);
        return this.#refuse(parcel, nonce);
      } catch (error) {
        if (error instanceof NobodyError && !isUnknown) {
          this.#refused.set(agent!, performance.now() + LATELY);
          return this.#refuse(parcel, nonce);
        }
        isUnknown = true;
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
      }
    }
  }

  #refuse(parcel: SentParcel, nonce: string): void {
    if (this.#host.isWith(parcel, nonce)) this.#host.refused(parcel);
  }
}
