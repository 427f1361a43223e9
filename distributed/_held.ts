/**
 * A parcel that an agent has: its tasks go to a pool, and their outcomes are reported to the program.
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

/** How long an outcome waits for others that are reported with it: milliseconds. */
const TOGETHER = 10;
/** With this many bytes of outcomes a report is sent at once. */
const MUCH = 1 << 18;
/** How long after its arrival a parcel must be known to its program, unless that has given it up: milliseconds. */
const SETTLED = 2000;
/**
 * How long tasks wait behind others that take longer than expected: milliseconds. Then they go back, for other agents.
 */
const STUCK = 150;

/** The state of an agent that concerns all its parcels. */
export interface HeldHost {
  /** The agent is leaving: no task is begun any more. */
  readonly isLeaving: boolean;
  /** The agent's name, once it ends running tasks by force. */
  readonly endedBy: string | undefined;
}

/** A parcel, from its delivery until the program has confirmed all reports. */
export class HeldParcel {
  readonly id: string;
  readonly driver: string;
  /** Each delivery has its own. */
  readonly nonce: string;
  readonly #since = performance.now();
  /** How many tasks have no outcome yet. */
  running = 0;
  readonly #parcel: Parcel;
  readonly #engine: Engine;
  readonly #host: HeldHost;
  readonly #relayed: Map<number, Relayed> = new Map();
  /** Positions that were given up before they went to the pool. */
  readonly #givenUp: Set<number> = new Set();
  #relay: Relay | undefined;
  #call: RelayedCall | undefined;
  #outcomes: Report["outcomes"] = [];
  #bytes = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #reports = 0;
  /** The end of the last report: reports are sent one after another. */
  #sent: Promise<boolean> = Promise.resolve(true);
  #over!: () => void;
  /** Outcomes that the program asks for in pieces, by position. */
  readonly #large: Map<number, Uint8Array> = new Map();
  #fetched: Promise<void> | undefined;
  #allFetched: (() => void) | undefined;

  /** @throws {TypeError} If the parcel is malformed. */
  constructor(parcel: Parcel, engine: Engine, host: HeldHost, nonce: string = crypto.randomUUID()) {
    const { id, driver, inputs, attempts, names } = parcel;
    if (
      typeof id !== "string" || typeof driver !== "string" || inputs.length !== attempts.length ||
      names.length !== 4 * inputs.length
    ) {
      throw new TypeError("Cannot read a parcel that is malformed");
    }
    this.id = id;
    this.driver = driver;
    this.nonce = nonce;
    this.#parcel = parcel;
    this.#engine = engine;
    this.#host = host;
  }

  /**
   * Runs its tasks, except for those at `skip`. Resolves when they are over; if outcomes are large, when the program
   * has fetched these, so that not too many gather here.
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

  /** Makes each worker run the call once: there are as many positions as workers. Resolves when all are over. */
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
      if (input === undefined) throw new Error("its argument is no longer available");
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

  /** Reports that all its tasks have failed. */
  fail(error: Error): void {
    const { inputs } = this.#parcel;
    this.running = inputs.length;
    this.#over = () => {};
    for (const position of inputs.keys()) this.#hear(position, { kind: "error", packed: packError(error) });
  }

  /** Resolves when the program has all outcomes, or is gone. */
  async whenHeard(): Promise<void> {
    if (!await this.#sent || this.#large.size === 0) return;
    await (this.#fetched ??= new Promise((resolve) => this.#allFetched = resolve));
  }

  // A task that cannot go to the pool has failed.
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
    // If it is `undefined`, the program is gone or does not want the result any more.
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

  /** A piece of a large outcome; empty: there is no such outcome. */
  pieceOf({ position, from, length }: PieceQuestion): Uint8Array {
    return this.#large.get(position)?.subarray(from, from + length) ?? new Uint8Array();
  }

  /** The program has the large outcome at this position. */
  fetched(position: number): void {
    this.#large.delete(position);
    if (this.#large.size === 0) this.#allFetched?.();
  }

  /** Gives up tasks. */
  giveUp(positions: Iterable<number>, killAfter?: number): void {
    for (const position of positions) {
      const relayed = this.#relayed.get(position);
      this.fetched(position);
      if (relayed === undefined) this.#givenUp.add(position);
      else relayed.giveUp(killAfter);
    }
  }

  /** Gives up all tasks: no program waits for them. */
  giveUpAll(killAfter: number): void {
    this.giveUp([...this.#relayed.keys()], killAfter);
    this.#large.clear();
    this.#allFetched?.();
  }

  /** Whether its program must know it: it was begun, and a while ago. */
  get isSettled(): boolean {
    return this.#relay !== undefined && performance.now() - this.#since > SETTLED;
  }

  /** Whether its program matters still: a task runs for it, or an outcome waits to be fetched. */
  get isOpen(): boolean {
    return this.running > 0 || this.#large.size > 0;
  }

  /** Gives tasks that no worker has begun back to the program. */
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
    // Nothing more is sent to a program that is gone.
    this.#sent = this.#sent.then(async (isThere) => {
      const answer = isThere ? await insist(this.#engine, `driver.${this.driver}.done`, bytes) : undefined;
      // Any other answer: the program has given up this agent.
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

  // An outcome that refers to shared objects of this machine cannot be sent, and a large outcome goes in pieces.
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
