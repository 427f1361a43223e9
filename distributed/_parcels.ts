/**
 * Parcels: what a program sends through the queue, each some tasks of one function.
 *
 * ```text
 *   waits ──▶ in the queue ──grant──▶ with an agent ──reports──▶ over
 *     ▲            │                        │
 *     └─taken back─┘                        └─ the agent is gone: its open tasks are lost
 * ```
 *
 * A parcel is granted once. Until then it may be sent any number of times, and is sent again where the queue has lost it.
 *
 * @module
 */

import type { Job } from "../_internal/pool/job.ts";
import type { Granted } from "./_agents_known.ts";

/** Some tasks, on their way. Of submitted ones each is a job of its own. */
export class SentParcel implements Granted {
  /** Where it is in the queue; 0: the queue has not confirmed it. */
  place = 0;
  /** How often it was sent. */
  sends = 0;
  /** It is over, or taken back: no agent is to get it. */
  isOver = false;
  /** It is being sent. */
  isSending = false;
  /** Which agent was granted it. */
  agent: string | undefined;
  nonce = "";
  since = 0;
  /** It was offered to its agent, which has not answered. */
  isOffered = false;
  missed = 0;
  /** How many of the agent's reports were taken. */
  reports = 0;
  /** Positions whose outcomes are not known. */
  readonly open: Set<number>;
  /** Positions that the agent was told to give up. */
  readonly told: Set<number> = new Set();
  /** Positions whose outcomes are on their way, piece by piece. */
  readonly coming: Set<number> = new Set();

  constructor(
    readonly id: string,
    readonly number: number,
    readonly fn: number,
    /** Whose task is at a position, and which of its tasks that is. */
    readonly jobs: readonly Job[],
    readonly indexes: readonly number[],
    readonly bytes: Uint8Array,
    /** Inputs that its agent asks for piece by piece, by position. */
    readonly large: ReadonlyMap<number, Uint8Array>,
    /** It is for the workers of one agent. */
    readonly inEach = false,
  ) {
    this.open = new Set(indexes.keys());
  }

  /** An agent may begin with it. */
  grantTo(agent: string, nonce: string): void {
    this.agent = agent;
    this.nonce = nonce;
    this.since = performance.now();
  }

  /** The agent does not have it. */
  takeFrom(): void {
    this.agent = undefined;
    this.nonce = "";
    this.isOffered = false;
  }

  get isGranted(): boolean {
    return this.agent !== undefined;
  }

  /** Open positions that no caller wants any more. */
  get unwanted(): number[] {
    return [...this.open].filter((position) => !this.jobs[position].wants(this.indexes[position]));
  }
}

/** The parcels that are on their way. */
export class Parcels implements Iterable<SentParcel> {
  readonly #all: Map<number, SentParcel> = new Map();
  readonly #granted: Map<string, Set<SentParcel>> = new Map();
  #held = 0;

  [Symbol.iterator](): Iterator<SentParcel> {
    return this.#all.values();
  }

  get size(): number {
    return this.#all.size;
  }

  /** How many agents have. */
  get held(): number {
    return this.#held;
  }

  /** Those with agents, by these. */
  get granted(): ReadonlyMap<string, ReadonlySet<SentParcel>> {
    return this.#granted;
  }

  add(parcel: SentParcel): void {
    this.#all.set(parcel.number, parcel);
  }

  get(number: number): SentParcel | undefined {
    return this.#all.get(number);
  }

  /** The parcel of that id. */
  find(id: string): SentParcel | undefined {
    const parcel = this.#all.get(Number(id.slice(id.indexOf(".") + 1)));
    return parcel?.id === id ? parcel : undefined;
  }

  /** Whether a parcel is not over. */
  has(parcel: SentParcel): boolean {
    return this.#all.get(parcel.number) === parcel;
  }

  /** A parcel is over. Whether it was not before. */
  delete(parcel: SentParcel): boolean {
    if (!this.has(parcel)) return false;
    this.#all.delete(parcel.number);
    this.#takeFrom(parcel);
    return true;
  }

  /** An agent may begin with a parcel. */
  grant(parcel: SentParcel, agent: string, nonce: string): void {
    parcel.grantTo(agent, nonce);
    let its = this.#granted.get(agent);
    if (its === undefined) this.#granted.set(agent, its = new Set());
    its.add(parcel);
    this.#held++;
  }

  /** The agent that was granted a parcel does not have it. */
  revoke(parcel: SentParcel): void {
    this.#takeFrom(parcel);
    parcel.takeFrom();
  }

  #takeFrom(parcel: SentParcel): void {
    const its = this.#granted.get(parcel.agent ?? "");
    if (its?.delete(parcel) !== true) return;
    this.#held--;
    if (its.size === 0) this.#granted.delete(parcel.agent!);
  }
}
