/**
 * Offers: a parcel goes straight to an agent that seems to have a free slot, instead of through the queue. That halves
 * the time to its begin.
 *
 * The agent is granted the parcel before it receives it. So an offer is repeated until it is answered. The parcel goes
 * into the queue only if the agent certainly does not have it: it has refused, or nothing has ever listened under its
 * name. Offers go only to agents that were heard a moment ago: a parcel that is offered to a frozen or dead agent is
 * stuck there.
 *
 * @module
 */

import type { KnownAgents } from "./_agents_known.ts";
import { type Engine, NotListeningError } from "./_engine.ts";
import { ANSWER } from "./_insist.ts";
import type { Offer } from "./_offers_taken.ts";
import type { SentParcel } from "./_parcels.ts";
import { toBytes } from "./_wire.ts";

// Times in milliseconds.
/** How recently an agent must have been heard to get offers. */
const LATELY = 1000;
/** How long an agent gets no offers after it has refused one. */
const REFUSED = 20;
/** The pause before an unanswered offer is repeated. */
const AGAIN = 100;

/** What the driver does with the result of an offer. */
export interface OfferHost {
  /** Whether the parcel is with the agent by this nonce, and not over. */
  isWith(parcel: SentParcel, nonce: string): boolean;
  /** The agent has the parcel. */
  taken(parcel: SentParcel): void;
  /** Asks the agent again to give up tasks of the parcel. */
  tellAgain(parcel: SentParcel): void;
  /** The agent does not have the parcel, which goes into the queue. */
  refused(parcel: SentParcel): void;
}

/** Makes the offers of one driver. */
export class Offering {
  readonly #driver: string;
  #offers = 0;
  readonly #agents: KnownAgents;
  readonly #host: OfferHost;
  /** Agents that have refused an offer, and until when they get none. */
  readonly #refused: Map<string, number> = new Map();

  constructor(driver: string, agents: KnownAgents, host: OfferHost) {
    this.#driver = driver;
    this.#agents = agents;
    this.#host = host;
  }

  /** An agent that seems to have a free slot. `granted`: the parcels of each agent. */
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

  /** Offers a parcel to the agent that it was granted to. */
  async offer(engine: Engine, parcel: SentParcel): Promise<void> {
    const { agent, nonce, bytes } = parcel;
    const offer: Offer = { driver: this.#driver, number: ++this.#offers, nonce, parcel: bytes };
    const question = toBytes(offer);
    // Whether the agent may have received an earlier attempt.
    let isUnknown = false;
    while (this.#host.isWith(parcel, nonce) && !engine.isClosed) {
      try {
        const [isTaken] = await engine.request(`agent.${agent}.${parcel.inEach ? "each" : "offer"}`, question, ANSWER);
        if (isTaken === 1) {
          this.#agents.heardOf(agent!);
          this.#host.taken(parcel);
          // A request to give up tasks may have arrived before the parcel, and had no effect.
          if (isUnknown) this.#host.tellAgain(parcel);
          return;
        }
        this.#refused.set(agent!, performance.now() + REFUSED);
        return this.#refuse(parcel, nonce);
      } catch (error) {
        if (error instanceof NotListeningError && !isUnknown) {
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
