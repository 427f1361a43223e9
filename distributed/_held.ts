/**
 * A parcel that an agent has: its tasks are handed on to a pool, and what comes of them is reported to the program.
 *
 * @module
 */

import { decode } from "../_internal/codec/decode.ts";
import { encodeApart } from "../_internal/codec/encode.ts";
import { hasReferences } from "../_internal/codec/format.ts";
import type { Outcome, Relay, Relayed, RelayedCall } from "../_internal/pool/relay.ts";
import type { Packed } from "../_internal/pool/task.ts";
import type { Engine } from "./_engine.ts";
import { insist } from "./_insist.ts";
import { gather, type InPieces, isInPieces, type PieceQuestion, sentFor } from "./_pieces.ts";
import { foreign, type ItemOutcome, packError, type Parcel, type Report, toBytes } from "./_wire.ts";

/** Outcomes wait so long for others that go with them: milliseconds. */
const TOGETHER = 10;
/** So many bytes of outcomes go at once. */
const MUCH = 1 << 18;
/** So long after it came a parcel is known to its program for certain, if that has not given it up: milliseconds. */
const SETTLED = 2000;
/** So long tasks wait behind others that take longer than was thought: milliseconds. Then other agents may have them. */
const STUCK = 150;

/** What holds for all parcels of an agent. */
export interface HeldHost {
  /** The agent ends: nothing is begun any more. */
  readonly isLeaving: boolean;
  /** The agent's name, where it ends by force what runs. */
  readonly endedBy: string | undefined;
}

/** A parcel, from its delivery until the program has heard what came of it. */
export class HeldParcel {
  readonly id: string;
  readonly driver: string;
  /** Of this delivery alone. */
  readonly nonce: string;
  readonly #since = performance.now();
  /** Tasks whose outcomes are not known. */
  running = 0;
  readonly #parcel: Parcel;
  readonly #engine: Engine;
  readonly #host: HeldHost;
  readonly #relayed: Map<number, Relayed> = new Map();
  /** Positions that were given up before they were handed on. */
  readonly #givenUp: Set<number> = new Set();
  #relay: Relay | undefined;
  #call: RelayedCall | undefined;
  #outcomes: Report["outcomes"] = [];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reports = 0;
  /** The reports go one after the other. */
  #sent: Promise<boolean> = Promise.resolve(true);
  #over!: () => void;
  /** Outcomes that the program asks for piece by piece, by position. */
  readonly #large: Map<number, Uint8Array> = new Map();
  #fetched: Promise<void> | undefined;
  #allFetched: (() => void) | undefined;

  /** @throws {TypeError} If it is none. */
  constructor(parcel: Parcel, engine: Engine, host: HeldHost, nonce: string = crypto.randomUUID()) {
    const { id, driver, inputs, attempts, names } = parcel;
    if (
      typeof id !== "string" || typeof driver !== "string" || inputs.length !== attempts.length ||
      names.length !== 4 * inputs.length
    ) {
      throw new TypeError("Cannot read what is no parcel");
    }
    this.id = id;
    this.driver = driver;
    this.nonce = nonce;
    this.#parcel = parcel;
    this.#engine = engine;
    this.#host = host;
  }

  /**
   * Has its tasks done, but for those at `skip`. Resolves when they are over; where their outcomes are large, when the program has
   * fetched these, so that no more of them gather here.
   */
  async run(relay: Relay, description: string, name: string, skip: readonly number[]): Promise<void> {
    const over = new Promise<void>((resolve) => this.#over = resolve);
    const { inputs, attempts, names, spread, killAfter, stays } = this.#parcel;
    this.#relay = relay;
    this.running = inputs.length - skip.length;
    const left = new Set(skip);
    const begin = (position: number, input: Packed): void => {
      if (this.#givenUp.has(position) || this.#host.isLeaving) return this.#hear(position, { kind: "back" });
      if (typeof input !== "number") foreign(input);
      const taskName = names.subarray(4 * position, 4 * position + 4);
      this.#call = { description, name, input, spread, killAfter, attempt: attempts[position], taskName };
      this.#relayed.set(
        position,
        relay.run(this.#call, (outcome) => this.#hear(position, this.#itemOf(position, outcome))),
      );
    };
    for (const [position, input] of inputs.entries()) {
      if (left.has(position)) continue;
      if (isInPieces(input)) void this.#beginLate(position, input, begin);
      else this.#try(position, () => begin(position, input));
    }
    const stuck = stays || inputs.length === 1 ? undefined : setTimeout(() => this.takeBackAll(), STUCK);
    if (this.running > 0) await over;
    clearTimeout(stuck);
    if (this.#large.size > 0) await this.whenHeard();
  }

  /** Has each worker make the call once: there are as many as positions. Resolves when that is over. */
  async runEach(relay: Relay, description: string, name: string): Promise<void> {
    const over = new Promise<void>((resolve) => this.#over = resolve);
    const { inputs, names, spread, killAfter } = this.#parcel;
    this.#relay = relay;
    this.running = inputs.length;
    const open = new Set(inputs.keys());
    const hear = (position: number, outcome: ItemOutcome): void => {
      if (open.delete(position)) this.#hear(position, outcome);
    };
    try {
      const [first] = inputs;
      const input = isInPieces(first) ? await this.#gather(0, first) : first;
      if (input === undefined) throw new Error("its argument is not to be had any more");
      if (typeof input !== "number") foreign(input);
      this.#call = { description, name, input, spread, killAfter, attempt: 1, taskName: names };
      await relay.each(this.#call, inputs.length, names, (position, outcome) => {
        hear(position, this.#itemOf(position, outcome));
      });
    } catch (error) {
      for (const position of open) hear(position, { kind: "error", packed: packError(error) });
    }
    await over;
    if (this.#large.size > 0) await this.whenHeard();
  }

  /** None of its tasks can be done. */
  fail(error: Error): void {
    const { inputs } = this.#parcel;
    this.running = inputs.length;
    this.#over = () => {};
    for (const position of inputs.keys()) this.#hear(position, { kind: "error", packed: packError(error) });
  }

  /** Resolves when the program has heard of all outcomes, or is gone. */
  async whenHeard(): Promise<void> {
    if (!await this.#sent || this.#large.size === 0) return;
    await (this.#fetched ??= new Promise((resolve) => this.#allFetched = resolve));
  }

  // What cannot be handed on has failed.
  #try(position: number, begin: () => void): void {
    try {
      begin();
    } catch (error) {
      this.#hear(position, { kind: "error", packed: packError(error) });
    }
  }

  async #beginLate(position: number, input: InPieces, begin: (position: number, input: Packed) => void): Promise<void> {
    let whole: Uint8Array | undefined;
    try {
      whole = await this.#gather(position, input);
    } catch (error) {
      this.#hear(position, { kind: "error", packed: packError(error) });
      return;
    }
    // Otherwise the program is gone, or wants it no more.
    if (whole === undefined) this.#hear(position, { kind: "back" });
    else this.#try(position, () => begin(position, whole));
  }

  async #gather(position: number, input: InPieces): Promise<Uint8Array | undefined> {
    const { id, nonce } = this;
    return await gather(input, this.#engine.maxBytes, async (from, length) => {
      const question: PieceQuestion = { id, nonce, position, from, length };
      return await insist(this.#engine, `driver.${this.driver}.piece`, toBytes(question));
    });
  }

  /** A piece of a large outcome; empty: there is none. */
  pieceOf({ position, from, length }: PieceQuestion): Uint8Array {
    return this.#large.get(position)?.subarray(from, from + length) ?? new Uint8Array();
  }

  /** The program has the large outcome at that position. */
  fetched(position: number): void {
    this.#large.delete(position);
    if (this.#large.size === 0) this.#allFetched?.();
  }

  /** Gives tasks up. */
  giveUp(positions: Iterable<number>, killAfter?: number): void {
    for (const position of positions) {
      const relayed = this.#relayed.get(position);
      this.fetched(position);
      if (relayed === undefined) this.#givenUp.add(position);
      else relayed.giveUp(killAfter);
    }
  }

  /** Gives all of them up: no program waits for them. */
  giveUpAll(killAfter: number): void {
    this.giveUp([...this.#relayed.keys()], killAfter);
    this.#large.clear();
    this.#allFetched?.();
  }

  /** Whether its program must know it: it was begun with, and a while ago. */
  get isSettled(): boolean {
    return this.#relay !== undefined && performance.now() - this.#since > SETTLED;
  }

  /** Whether its program is of interest: something runs for it, or waits to be fetched. */
  get isOpen(): boolean {
    return this.running > 0 || this.#large.size > 0;
  }

  /** Takes back what no worker has begun with: it is the program's again. */
  takeBackAll(): void {
    for (const [position, relayed] of this.#relayed) {
      if (relayed.takeBack()) this.#hear(position, { kind: "back" });
    }
  }

  #hear(position: number, outcome: ItemOutcome): void {
    this.#relayed.delete(position);
    this.running--;
    this.#outcomes.push([position, outcome]);
    if ("packed" in outcome && outcome.packed instanceof Uint8Array) this.#bytes += outcome.packed.length;
    if (this.running === 0 || this.#bytes > Math.min(MUCH, this.#engine.maxBytes / 4)) this.#report();
    else this.#timer ??= setTimeout(() => this.#report(), TOGETHER);
    if (this.running === 0) this.#over();
  }

  #report(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#outcomes.length === 0) return;
    const report: Report = {
      id: this.id,
      nonce: this.nonce,
      number: this.#reports++,
      outcomes: this.#outcomes,
      each: this.#call === undefined ? 0 : this.#relay!.costOf(this.#call),
    };
    this.#outcomes = [];
    this.#bytes = 0;
    const bytes = toBytes(report);
    // A program that is gone hears no more.
    this.#sent = this.#sent.then(async (isThere) => {
      const answer = isThere ? await insist(this.#engine, `driver.${this.driver}.done`, bytes) : undefined;
      // Also one that has given this agent up meanwhile.
      return answer?.[0] === 1;
    });
  }

  #itemOf(position: number, outcome: Outcome): ItemOutcome {
    switch (outcome.kind) {
      case "value":
      case "error":
        return this.#checked(position, outcome.kind, outcome.packed);
      case "refused": {
        const { endedBy } = this.#host;
        if (endedBy !== undefined) return { kind: "lost", worker: endedBy, message: "its agent has ended" };
        return { kind: "error", packed: packError(outcome.error) };
      }
      case "lost": {
        const { worker, pid, exitCode, signal, error } = outcome.ending;
        const message = error === undefined ? undefined : error instanceof Error ? error.message : String(error);
        return { kind: "lost", worker, pid, exitCode, signal, message };
      }
    }
  }

  // What names an object of this machine cannot go, and what is large goes in pieces.
  #checked(position: number, kind: "value" | "error", packed: Packed): ItemOutcome {
    if (typeof packed === "number") return { kind, packed };
    try {
      if (hasReferences(packed)) {
        const root = kind === "value" ? "result" : "error";
        packed = encodeApart(decode(packed), { root, scope: "network" });
      }
    } catch (error) {
      return { kind: "error", packed: packError(error) };
    }
    const sent = sentFor(packed, this.#engine.maxBytes);
    if (isInPieces(sent)) this.#large.set(position, packed);
    return { kind, packed: sent };
  }
}
