/**
 * What a program knows of the agents of its fleet, and which agents with its tasks are gone.
 *
 * An agent is certainly gone if nothing listens under its name any more. A silent agent may be frozen, or the network
 * cut: it is given up after the lease. An agent that answers and does not know a task has lost that task.
 *
 * @module
 */

import { type Engine, NotListeningError } from "./_engine.ts";
import { ANSWER, isGone } from "./_insist.ts";
import { fromBytes, type Held, type News, toBytes } from "./_wire.ts";

// Times in milliseconds.
/** An agent is forgotten after it was silent for this time, or for this number of leases. It reports every 5 s. */
const FORGOTTEN = 16_000;
const LEASES = 4;
/** An agent may not know a task yet that was granted to it within this time. */
const SETTLED = 1000;
/** How long nothing must listen under an agent's name before it counts as gone. */
const ABSENT = 500;
/** Each agent is asked at most once in this time multiplied by the number of agents with tasks: milliseconds. */
const EACH = 1;
/**
 * How many times in a row an agent must not know a task before the task counts as lost: a message may be on its way.
 */
const UNKNOWN = 3;
/** Checks are more frequent than this, unless the program itself stands still. */
const STANDSTILL = 1000;

/** A parcel that was granted to an agent. */
export interface Granted {
  readonly id: string;
  /** On the clock of `performance.now`. */
  readonly since: number;
  /** Positions that the agent was asked to give up. */
  readonly told: ReadonlySet<number>;
  /** It was offered to the agent, which may not have received the offer. */
  readonly isOffered: boolean;
  /** How many times in a row the agent did not know it. */
  missed: number;
}

/** Called for each parcel whose agent is gone. */
export type Lose = (parcel: Granted, reason: string) => void;

/** The agents that a program knows. */
export class KnownAgents {
  readonly #agents: Map<string, News & { heard: number }> = new Map();
  readonly #lease: number;
  #slots = 0;
  /** When each agent was last asked, and when the last question was asked that it has answered. */
  readonly #askedAt: Map<string, number> = new Map();
  readonly #answered: Map<string, number> = new Map();
  /** Since when each agent is silent, and since when nothing listens under its name. */
  readonly #silentSince: Map<string, number> = new Map();
  readonly #absentSince: Map<string, number> = new Map();
  readonly #onChange: Set<() => void> = new Set();
  #checked = 0;
  /** Since when the program has not stood still. */
  #awakeSince = 0;

  constructor(lease: number) {
    this.#lease = lease;
  }

  /** Takes what an agent reports of itself. Returns whether the number of agents has changed. */
  hear(news: News): boolean {
    const known = this.#agents.has(news.id);
    this.#forget(news.id);
    if (news.isLeaving) return known;
    this.#slots += news.slots;
    this.#agents.set(news.id, { ...news, heard: performance.now() });
    if (!known) this.tell();
    return !known;
  }

  /** An agent has sent a message. */
  heardOf(id: string): void {
    const known = this.#agents.get(id);
    if (known !== undefined) known.heard = performance.now();
  }

  /** The agents that have sent a message since `time`, on the clock of `performance.now`. */
  *since(time: number): Iterable<News> {
    for (const agent of this.#agents.values()) if (agent.heard >= time) yield agent;
  }

  /** Makes all waits for agents look again. */
  tell(): void {
    for (const look of this.#onChange) look();
  }

  /**
   * Resolves with `true` when there is an agent or the wait is over, and with `false` after `timeout` milliseconds.
   * Rejects with the signal's reason.
   */
  async whenAny(timeout: number, signal: AbortSignal | undefined, isOver: () => boolean): Promise<boolean> {
    signal?.throwIfAborted();
    const isSo = (): boolean => this.#agents.size > 0 || isOver();
    if (isSo()) return true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let look!: () => void;
    let abort!: () => void;
    try {
      return await new Promise<boolean>((resolve, reject) => {
        look = () => isSo() && resolve(true);
        abort = () => reject(signal!.reason);
        this.#onChange.add(look);
        signal?.addEventListener("abort", abort, { once: true });
        if (timeout !== Infinity) timer = setTimeout(() => resolve(false), timeout);
      });
    } finally {
      clearTimeout(timer);
      this.#onChange.delete(look);
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Forgets agents that have been silent for long. */
  forget(): void {
    const patience = Math.max(FORGOTTEN, LEASES * this.#lease);
    for (const [id, { heard }] of this.#agents) if (performance.now() - heard > patience) this.#forget(id);
  }

  #forget(id: string): void {
    this.#slots -= this.#agents.get(id)?.slots ?? 0;
    this.#agents.delete(id);
  }

  /** All known agents. */
  get all(): News[] {
    this.forget();
    return [...this.#agents.values()];
  }

  /** How many tasks they run at a time. */
  get slots(): number {
    return this.#slots;
  }

  /** The name of an agent, for messages. */
  nameOf(id: string): string {
    return this.#agents.get(id)?.name ?? id;
  }

  /** What is known of an agent. */
  get(id: string): News | undefined {
    return this.#agents.get(id);
  }

  /** No agent has a parcel: earlier suspicions are dropped, so that they do not count later. */
  rest(): void {
    for (const since of [this.#askedAt, this.#answered, this.#silentSince, this.#absentSince]) since.clear();
  }

  /** Whether nothing listens under the name of an agent that has tasks. Then it is worth asking again soon. */
  get isDoubtful(): boolean {
    return this.#absentSince.size > 0;
  }

  /**
   * Asks the agents which granted parcels they have, also those that have not answered the last question: if an agent
   * died while it was asked, only the next question finds that nothing listens.
   */
  check(engine: Engine, driver: string, granted: ReadonlyMap<string, ReadonlySet<Granted>>, lose: Lose): void {
    this.forget();
    const time = performance.now();
    if (time - this.#checked > STANDSTILL) {
      // Answers that arrived meanwhile may not be read yet.
      this.#awakeSince = time;
      this.#silentSince.clear();
    }
    this.#checked = time;
    // Each of a thousand agents is asked once a second.
    const often = granted.size * EACH;
    for (const [agent, parcels] of granted) {
      if (time - (this.#askedAt.get(agent) ?? -Infinity) < often) continue;
      this.#askedAt.set(agent, time);
      void this.#ask(engine, driver, agent, parcels, lose);
    }
    for (const since of [this.#askedAt, this.#answered, this.#silentSince, this.#absentSince]) {
      for (const agent of since.keys()) if (!granted.has(agent)) since.delete(agent);
    }
  }

  async #ask(
    engine: Engine,
    driver: string,
    agent: string,
    granted: ReadonlySet<Granted>,
    lose: Lose,
  ): Promise<void> {
    const asked = performance.now();
    const parcels = [...granted];
    // The message that asked for it may have been lost.
    const given = parcels.filter(({ told }) => told.size > 0).map(({ id, told }) => ({ id, positions: [...told] }));
    try {
      const answer = await engine.request(`agent.${agent}.held`, toBytes({ driver, given }), ANSWER);
      const held = new Set(fromBytes<Held>(answer).ids);
      this.heardOf(agent);
      this.#answered.set(agent, Math.max(asked, this.#answered.get(agent) ?? 0));
      this.#silentSince.delete(agent);
      this.#absentSince.delete(agent);
      for (const parcel of parcels) {
        if (held.has(parcel.id) || parcel.isOffered || asked - parcel.since < SETTLED) parcel.missed = 0;
        else if (++parcel.missed >= UNKNOWN && granted.has(parcel)) lose(parcel, "does not know the task any more");
      }
    } catch (error) {
      if (error instanceof NotListeningError) {
        this.#silentSince.delete(agent);
        const since = this.#absentSince.get(agent) ?? asked;
        this.#absentSince.set(agent, since);
        if (!isGone(engine, since, ABSENT)) return;
        // Only those that it still has: another agent may have a parcel by now.
        for (const parcel of parcels) if (granted.has(parcel)) lose(parcel, "is gone");
        this.#forget(agent);
        return;
      }
      // Silence proves nothing while the engine is away or stands still.
      const isThere = engine.awaySince === undefined && await engine.probe();
      // Later answers have arrived since.
      if (Math.max(this.#answered.get(agent) ?? 0, this.#absentSince.get(agent) ?? 0) > asked) return;
      this.#absentSince.delete(agent);
      if (!isThere) {
        this.#silentSince.delete(agent);
        return;
      }
      const since = Math.max(this.#silentSince.get(agent) ?? asked, engine.backSince, this.#awakeSince);
      this.#silentSince.set(agent, since);
      if (performance.now() - since <= this.#lease) return;
      for (const parcel of parcels) if (granted.has(parcel)) lose(parcel, `was silent for ${this.#lease} ms`);
    }
  }
}
