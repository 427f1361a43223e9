/**
 * What a program knows of the agents of its fleet, and which of them are gone that have tasks of it.
 *
 * An agent is gone for certain where nothing listens under its name any more; where it is silent, it may be frozen, or the network
 * cut, and is given up after the lease. An agent that answers and does not know a task has lost it.
 *
 * @module
 */

import { type Engine, NobodyError } from "./_engine.ts";
import { ANSWER, isGone } from "./_insist.ts";
import { fromBytes, type Held, type News, toBytes } from "./_wire.ts";

// Times in milliseconds.
/** An agent that has said nothing for so long, or for so many leases, is forgotten: it says something every 5 s. */
const FORGOTTEN = 16_000;
const LEASES = 4;
/** A task that was granted is not missed before. */
const SETTLED = 1000;
/** So long nothing has to listen under an agent's name until it is gone. */
const ABSENT = 500;
/** So much less often each agent is asked for every one that there is: milliseconds. */
const EACH = 1;
/** So often an agent has not to know a task until that counts: a message may be on its way. */
const UNKNOWN = 3;
/** Agents are looked after more often, unless the program itself stands still. */
const STANDSTILL = 1000;

/** What an agent was granted. */
export interface Granted {
  readonly id: string;
  /** On the clock of `performance.now`. */
  readonly since: number;
  /** Positions that the agent was told to give up. */
  readonly told: ReadonlySet<number>;
  /** It was offered to the agent, which may not have heard of it. */
  readonly isOffered: boolean;
  /** How often the agent did not know it. */
  missed: number;
}

/** Hears of tasks whose agents are gone. */
export type Lose = (parcel: Granted, reason: string) => void;

/** The agents that a program knows of. */
export class KnownAgents {
  readonly #agents: Map<string, News & { heard: number }> = new Map();
  readonly #lease: number;
  #slots = 0;
  /** When an agent was asked last, and when that was asked to which it answered last. */
  readonly #askedAt: Map<string, number> = new Map();
  readonly #answered: Map<string, number> = new Map();
  /** Since when an agent is silent, and since when nothing listens under its name. */
  readonly #silentSince: Map<string, number> = new Map();
  readonly #absentSince: Map<string, number> = new Map();
  readonly #onChange: Set<() => void> = new Set();
  #checked = 0;
  /** Since when the program has not stood still. */
  #awakeSince = 0;

  constructor(lease: number) {
    this.#lease = lease;
  }

  /** What an agent says of itself. Whether there are more or fewer now. */
  hear(news: News): boolean {
    const known = this.#agents.has(news.id);
    this.#forget(news.id);
    if (news.isLeaving) return known;
    this.#slots += news.slots;
    this.#agents.set(news.id, { ...news, heard: performance.now() });
    if (!known) this.tell();
    return !known;
  }

  /** An agent has said something. */
  heardOf(id: string): void {
    const known = this.#agents.get(id);
    if (known !== undefined) known.heard = performance.now();
  }

  /** Those that were heard since then, on the clock of `performance.now`. */
  *since(time: number): Iterable<News> {
    for (const agent of this.#agents.values()) if (agent.heard >= time) yield agent;
  }

  /** Has all look again that wait for agents. */
  tell(): void {
    for (const look of this.#onChange) look();
  }

  /**
   * Resolves with `true` when there is an agent or nothing more to wait for, and with `false` after so many milliseconds. Rejects with
   * the signal's reason.
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

  /** Forgets those of which nothing was heard for long. */
  forget(): void {
    const patience = Math.max(FORGOTTEN, LEASES * this.#lease);
    for (const [id, { heard }] of this.#agents) if (performance.now() - heard > patience) this.#forget(id);
  }

  #forget(id: string): void {
    this.#slots -= this.#agents.get(id)?.slots ?? 0;
    this.#agents.delete(id);
  }

  /** All of them. */
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

  /** Nothing is with any agent: what was suspected of them is forgotten, and is not held against them later. */
  rest(): void {
    for (const since of [this.#askedAt, this.#answered, this.#silentSince, this.#absentSince]) since.clear();
  }

  /** Whether nothing listens under the name of an agent that has tasks: it is worth to ask again soon. */
  get isDoubtful(): boolean {
    return this.#absentSince.size > 0;
  }

  /**
   * Asks the agents for what they were granted, also those that have not answered yet: where an agent died that was asked, only the
   * next question says so.
   */
  check(engine: Engine, driver: string, granted: ReadonlyMap<string, ReadonlySet<Granted>>, lose: Lose): void {
    this.forget();
    const time = performance.now();
    if (time - this.#checked > STANDSTILL) {
      // What agents have answered meanwhile may be there and not be read.
      this.#awakeSince = time;
      this.#silentSince.clear();
    }
    this.#checked = time;
    // Of a thousand agents each is asked once in a second.
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
    // A message that told it may have been lost.
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
      if (error instanceof NobodyError) {
        this.#silentSince.delete(agent);
        const since = this.#absentSince.get(agent) ?? asked;
        this.#absentSince.set(agent, since);
        if (!isGone(engine, since, ABSENT)) return;
        // Those that it has still: it may have been offered one that is another's by now.
        for (const parcel of parcels) if (granted.has(parcel)) lose(parcel, "is gone");
        this.#forget(agent);
        return;
      }
      // Nothing is known of any agent while the engine is away, or stands still.
      const isThere = engine.awaySince === undefined && await engine.probe();
      // More is known since.
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
