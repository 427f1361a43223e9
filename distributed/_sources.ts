/**
 * The jobs of a pool that have tasks to send, and how the tasks are packed into parcels.
 *
 * @module
 */

import type { Job, Source } from "../_internal/pool/job.ts";
import { SentParcel } from "./_parcels.ts";
import { isInPieces, type Sent, sentFor } from "./_pieces.ts";
import { type Parcel, PROTOCOL, toBytes } from "./_wire.ts";

/** How long a parcel should keep an agent busy: milliseconds. */
const PARCEL_MS = 20;
/** The most tasks in a parcel. */
const MANY = 4096;
/** A parcel is full with this many bytes that go in pieces, all of which its agent holds at once. */
const MUCH = 8 << 20;
/**
 * The rest of a job is divided into this many parcels for each slot, so that all agents finish at about the same time.
 */
const AHEAD = 4;
/** The shortest time of a call that is assumed, whatever is measured: milliseconds. */
const LEAST_MS = 1e-3;

/** Jobs with tasks to send. */
export class Sources {
  readonly #driver: string;
  readonly #slots: () => number;
  readonly #beside: number;
  /** The sources; the first was served longest ago. */
  readonly #sources: Set<Source> = new Set();
  /** How many milliseconds a call of each function takes. */
  readonly #costs: Map<number, number> = new Map();
  #numbers = 0;

  /** `beside`: how many tasks a worker runs at a time. */
  constructor(driver: string, slots: () => number, beside: number) {
    this.#beside = beside;
    this.#driver = driver;
    this.#slots = slots;
  }

  get isEmpty(): boolean {
    return this.#sources.size === 0;
  }

  /** How many tasks wait, as far as is known. */
  get waiting(): number {
    let waiting = 0;
    for (const source of this.#sources) waiting += source.waiting;
    return waiting;
  }

  /** Adds a source of tasks, or continues it. */
  add(source: Source): void {
    this.#sources.add(source);
  }

  /** Removes all sources, and returns them. */
  clear(): Source[] {
    const sources = [...this.#sources];
    this.#sources.clear();
    return sources;
  }

  /** Makes all jobs run to their ends, also those whose results no caller reads yet. */
  hurry(): void {
    for (const source of this.#sources) source.hurry?.();
  }

  /** Notes that a call of the function took `each` milliseconds. */
  noteCost(fn: number, each: number): void {
    const known = this.#costs.get(fn);
    this.#costs.set(fn, known === undefined ? each : (known + each) / 2);
  }

  /**
   * The next parcel. Its tasks are from the most urgent sources, and among these from the source that was served
   * longest ago.
   */
  next(maxBytes: number): SentParcel | undefined {
    for (const source of [...this.#sources].sort((a, b) => a.priority - b.priority)) {
      this.#sources.delete(source);
      const parcel = this.#pack(source, maxBytes);
      // A source that has nothing now is added again by add() later.
      if (!source.exhausted) this.#sources.add(source);
      if (parcel !== undefined) return parcel;
    }
    return undefined;
  }

  #pack(source: Source, maxBytes: number): SentParcel | undefined {
    const indexes: number[] = [];
    const inputs: Sent[] = [];
    const large = new Map<number, Uint8Array>();
    const attempts: number[] = [];
    const jobs: Job[] = [];
    let bytes = 0;
    let apart = 0;
    for (let most = 1; indexes.length < most && bytes < maxBytes / 4 && apart < MUCH;) {
      const job = source.peek();
      // Each submitted task is its own job. Tasks that are called in the same way share a parcel.
      if (job === undefined || jobs.length > 0 && !areAlike(job, jobs[0])) break;
      if (jobs.length === 0) most = this.#countFor(job);
      source.take();
      const { index } = source;
      const input = job.inputOf(index);
      const sent = sentFor(input, maxBytes);
      if (isInPieces(sent)) {
        large.set(indexes.length, input as Uint8Array);
        apart += sent.size;
      }
      bytes += sent instanceof Uint8Array ? sent.length + 8 : 9;
      jobs.push(job);
      indexes.push(index);
      inputs.push(sent);
      attempts.push(job.attemptOf(index));
    }
    if (jobs.length === 0) return undefined;
    return this.#parcelOf(jobs, indexes, inputs, attempts, large, false);
  }

  /** A parcel of `count` tasks of a job, beginning with index `first`: one for each worker of an agent. */
  eachOf(job: Job, first: number, count: number, maxBytes: number): SentParcel {
    const indexes = Array.from({ length: count }, (_, i) => first + i);
    const input = job.inputOf(first);
    const sent = sentFor(input, maxBytes);
    const large = new Map(isInPieces(sent) ? [[0, input as Uint8Array]] : []);
    const inputs = indexes.map((_, i) => i === 0 ? sent : 0);
    return this.#parcelOf(indexes.map(() => job), indexes, inputs, indexes.map(() => 1), large, true);
  }

  #parcelOf(
    jobs: Job[],
    indexes: number[],
    inputs: Parcel["inputs"],
    attempts: number[],
    large: Map<number, Uint8Array>,
    inEach: boolean,
  ): SentParcel {
    const number = ++this.#numbers;
    const driver = this.#driver;
    const id = `${driver}.${number}`;
    const [{ fn, spread, killAfter, together }] = jobs;
    const names = new Int32Array(4 * jobs.length);
    for (const [i, job] of jobs.entries()) job.writeName(names, 4 * i, indexes[i]);
    const stays = inEach || together > 1;
    const parcel: Parcel = {
      protocol: PROTOCOL,
      id,
      driver,
      fn,
      spread,
      killAfter,
      stays,
      inEach,
      inputs,
      attempts,
      names,
    };
    return new SentParcel(id, number, fn, jobs, indexes, toBytes(parcel), large, inEach);
  }

  #countFor(job: Job): number {
    const slots = Math.max(1, this.#slots());
    // With `concurrency`, a worker runs several tasks at a time: the waiting tasks are divided among all slots.
    const beside = this.#beside === 1 ? 1 : Math.min(this.#beside, Math.ceil(job.source.waiting / slots));
    const least = Math.max(1, job.together, beside);
    const cost = this.#costs.get(job.fn);
    if (cost === undefined) return Math.min(MANY, least);
    const { waiting } = job.source;
    // Parcels get smaller toward the end. The length of a stream is unknown.
    const part = waiting > 1 ? Math.ceil(waiting / (AHEAD * slots)) : MANY;
    return Math.min(MANY, Math.max(least, Math.min(part, Math.floor(PARCEL_MS / Math.max(cost, LEAST_MS)))));
  }
}

// Whether an agent calls the tasks of both jobs in the same way.
function areAlike(a: Job, b: Job): boolean {
  return a === b || a.fn === b.fn && a.spread === b.spread && a.killAfter === b.killAfter && a.together === b.together;
}
