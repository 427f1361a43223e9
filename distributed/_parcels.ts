/**
 * Parcels, which a program sends through the queue. Each is some tasks of one function.
 *
 * ```text
 *   waits ──▶ in the queue ──grant──▶ with an agent ──reports──▶ over
 *     ▲            │                        │
 *     └─taken back─┘                        └─ the agent is gone: its open tasks are lost
 * ```
 *
 * A parcel is granted once. Until then it may be sent any number of times, and is sent again if the queue has lost it.
 *
 * @module
 */

import type { Job } from "../_internal/pool/job.ts";
import type { Granted } from "./_agents_known.ts";

/** Some tasks on their way. Each submitted task is its own job. */
export class SentParcel implements Granted {
  /** Its place in the queue; 0: the queue has not confirmed it. */
  place = 0;
  /** How often it was sent. */
  sends = 0;
  /** It is over or taken back: no agent must get it. */
  isOver = false;
  /** It is being sent. */
  isSending = false;
  /** The agent that was granted it. */
  agent: string | undefined;
  nonce = "";
  since = 0;
  /** It was offered to its agent, which has not answered yet. */
  isOffered = false;
  missed = 0;
  /** How many of the agent's reports were taken. */
  reports = 0;
  /** Positions whose outcomes are not known yet. */
  readonly open: Set<number>;
  /** Positions that the agent was asked to give up. */
  readonly told: Set<number> = new Set();
  /** Positions whose outcomes are arriving in pieces. */
  readonly coming: Set<number> = new Set();
  readonly id: string;
  readonly number: number;
  readonly fn: number;
  /** The job of the task at each position, and the task's index in that job. */
  readonly jobs: readonly Job[];
  readonly indexes: readonly number[];
  readonly bytes: Uint8Array;
  /** Inputs that its agent asks for in pieces, by position. */
  readonly large: ReadonlyMap<number, Uint8Array>;
  /** It is a parcel of `each()`, for the workers of one agent. */
  readonly inEach: boolean;

  constructor(
    id: string,
    number: number,
    fn: number,
    jobs: readonly Job[],
    indexes: readonly number[],
    bytes: Uint8Array,
    large: ReadonlyMap<number, Uint8Array>,
    inEach = false,
  ) {
    this.id = id;
    this.number = number;
    this.fn = fn;
    this.jobs = jobs;
    this.indexes = indexes;
    this.bytes = bytes;
    this.large = large;
    this.inEach = inEach;
    this.open = new Set(indexes.keys());
  }

  /** Grants it to an agent. */
  grantTo(agent: string, nonce: string): void {
    this.agent = agent;
    this.nonce = nonce;
    this.since = performance.now();
  }

  /** Takes it from its agent, which does not have it. */
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

  /** How many of them agents have. */
  get held(): number {
    return this.#held;
  }

  /** The granted parcels of each agent. */
  get granted(): ReadonlyMap<string, ReadonlySet<SentParcel>> {
    return this.#granted;
  }

  add(parcel: SentParcel): void {
    this.#all.set(parcel.number, parcel);
  }

  get(number: number): SentParcel | undefined {
    return this.#all.get(number);
  }

  /** The parcel with this id. */
  find(id: string): SentParcel | undefined {
    const parcel = this.#all.get(Number(id.slice(id.indexOf(".") + 1)));
    return parcel?.id === id ? parcel : undefined;
  }

  /** Whether a parcel is not over. */
  has(parcel: SentParcel): boolean {
    return this.#all.get(parcel.number) === parcel;
  }

  /** Ends a parcel. Returns whether it was not over before. */
  delete(parcel: SentParcel): boolean {
    if (!this.has(parcel)) return false;
    this.#all.delete(parcel.number);
    this.#takeFrom(parcel);
    return true;
  }

  /** Grants a parcel to an agent. */
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
