/**
 * The parcels of a program that are on their way: which agent was granted which, and what came of their tasks. Each is granted once,
 * and what comes of a task is taken once, however often an agent asks and says it.
 *
 * @module
 */

import { decode } from "../_internal/codec/decode.ts";
import { TargetError } from "../_internal/errors.ts";
import { Histogram } from "../_internal/pool/histogram.ts";
import type { Job, Source } from "../_internal/pool/job.ts";
import type { Packed } from "../_internal/pool/task.ts";
import type { KnownAgents } from "./_agents_known.ts";
import type { Engine } from "./_engine.ts";
import { insist } from "./_insist.ts";
import type { SentParcel } from "./_parcels.ts";
import { gather, type InPieces, isInPieces, type PieceQuestion } from "./_pieces.ts";
import {
  foreign,
  type Grant,
  type GrantQuestion,
  type ItemOutcome,
  packError,
  type Refusal,
  type Report,
  toBytes,
} from "./_wire.ts";
import { CodeMismatchError, EngineError } from "./fleet_errors.ts";

/** Pieces that did not come are asked for again after so long: milliseconds. */
const AGAIN = 200;

/** What follows from what happens to parcels. */
export interface LedgerHost {
  /** `undefined`: it is not connected. */
  readonly engine: Engine | undefined;
  readonly agents: KnownAgents;
  /** A source has tasks to send, again. */
  add(source: Source): void;
  /** There is place for others. */
  plan(): void;
  /** A parcel that was not granted is not to be begun with any more. */
  forget(parcel: SentParcel): void;
  /** So many calls were made of a parcel's job, which took so many milliseconds each. */
  noteRun(parcel: SentParcel, each: number, count: number): void;
}

/** The parcels that are on their way. */
export class Ledger {
  completed = 0;
  failed = 0;
  readonly waitTimes: Histogram = new Histogram();
  readonly runTimes: Histogram = new Histogram();
  readonly #host: LedgerHost;
  readonly #parcels: Map<number, SentParcel> = new Map();
  /** Tasks may be unwanted: they are looked for when the present call is over. */
  #unwanted = false;
  #together = 0;

  constructor(host: LedgerHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#parcels.size;
  }

  /** Those with agents, by these. */
  get granted(): Map<string, SentParcel[]> {
    return Map.groupBy([...this.#parcels.values()].filter(({ isGranted }) => isGranted), ({ agent }) => agent!);
  }

  /** Those that no agent has. */
  get ungranted(): SentParcel[] {
    return [...this.#parcels.values()].filter(({ isGranted }) => !isGranted);
  }

  /** Takes a parcel on, which is sent then. */
  add(parcel: SentParcel): void {
    this.#parcels.set(parcel.number, parcel);
    parcel.job.posted?.(parcel.number);
  }

  /** Whether an agent has the task. */
  isRunning(number: number): boolean {
    return this.#parcels.get(number)?.isGranted ?? false;
  }

  /** A value that an agent asks for piece by piece; empty: it is not to be had any more. */
  pieceOf({ id, nonce, position, from, length }: PieceQuestion): Uint8Array {
    const parcel = this.#find(id);
    const whole = parcel?.nonce === nonce ? parcel.large.get(position) : undefined;
    return whole?.subarray(from, from + length) ?? new Uint8Array();
  }

  #find(id: string): SentParcel | undefined {
    const parcel = this.#parcels.get(Number(id.slice(id.indexOf(".") + 1)));
    return parcel?.id === id ? parcel : undefined;
  }

  #end(parcel: SentParcel): void {
    this.#parcels.delete(parcel.number);
    if (!parcel.isGranted) this.#host.forget(parcel);
  }

  // What is not wanted any more.

  /** Runs what gives several jobs up, and only then withdraws their tasks. */
  together(giveUp: () => void): void {
    this.#together++;
    try {
      giveUp();
    } finally {
      this.#together--;
      this.withdraw();
    }
  }

  /** Takes back what no caller wants and no agent has, and tells the agents of the rest. */
  withdraw(): void {
    this.#unwanted = this.#together > 0;
    if (this.#unwanted) return;
    for (const parcel of [...this.#parcels.values()]) {
      const { unwanted } = parcel;
      if (unwanted.length === 0) continue;
      // An agent that is granted the rest is told which are to be left out.
      if (parcel.isGranted) this.#cancel(parcel, unwanted);
      else if (unwanted.length === parcel.open.size) this.takeBack(parcel.number);
    }
    this.#host.plan();
  }

  /** The same where a task of that number and job was given up. */
  withdrawOne(number: number, job: Job): void {
    if (this.#parcels.get(number)?.job === job) this.withdraw();
  }

  /** Takes a parcel back, if no agent has it. */
  takeBack(number: number): boolean {
    const parcel = this.#parcels.get(number);
    if (parcel === undefined || parcel.isGranted) return false;
    this.#end(parcel);
    this.#giveBack(parcel, [...parcel.open]);
    return true;
  }

  /** Gives everything up, and these jobs. The agents are told. */
  giveUpAll(sources: readonly Source[], error: unknown): void {
    const parcels = [...this.#parcels.values()];
    for (const parcel of parcels) this.#cancel(parcel, [...parcel.open]);
    this.#together++;
    try {
      for (const source of sources) source.abort(error);
      for (const { job } of parcels) job.abort(error);
    } finally {
      this.#together--;
    }
    for (const parcel of parcels) this.#end(parcel);
    this.#host.plan();
  }

  // Gives tasks back to their job with which no worker has begun.
  #giveBack({ job, indexes }: SentParcel, positions: readonly number[]): void {
    let isWanted = false;
    for (const position of positions) if (job.again(indexes[position])) isWanted = true;
    if (isWanted) this.#host.add(job.source);
    this.#host.plan();
  }

  #cancel(parcel: SentParcel, positions: readonly number[]): void {
    const untold = positions.filter((position) => !parcel.told.has(position));
    if (parcel.agent === undefined || untold.length === 0) return;
    for (const position of untold) parcel.told.add(position);
    this.#host.engine?.tell(`agent.${parcel.agent}.cancel`, toBytes({ id: parcel.id, positions: untold }));
  }

  // What agents ask and say.

  /** Whether an agent may begin with a parcel. */
  grant({ id, agent, nonce }: GrantQuestion): Grant {
    const parcel = this.#find(id);
    if (parcel === undefined) return { isGranted: false, skip: [] };
    // The answer to the same question may have been lost. Another delivery, also to the same agent, is another question.
    if (parcel.isGranted) return { isGranted: parcel.nonce === nonce, skip: [...parcel.told] };
    const skip = parcel.unwanted;
    parcel.grantTo(agent, nonce);
    for (const position of skip) {
      parcel.told.add(position);
      parcel.open.delete(position);
    }
    this.#giveBack(parcel, skip);
    if (parcel.open.size === 0) this.#end(parcel);
    this.waitTimes.add(Math.max(0, parcel.since - parcel.job.since), parcel.open.size);
    return { isGranted: true, skip };
  }

  /** Takes what came of tasks. `false`: they are not those of this agent any more. */
  take({ id, nonce, number, outcomes, each }: Report): boolean {
    const parcel = this.#find(id);
    if (parcel === undefined || parcel.nonce !== nonce) return false;
    // For the second time.
    if (number !== parcel.reports) return true;
    parcel.reports++;
    this.runTimes.add(each, outcomes.length);
    this.#host.noteRun(parcel, each, outcomes.length);
    for (const [position, outcome] of outcomes) this.#deliver(parcel, position, outcome);
    this.#settle(parcel);
    return true;
  }

  // Something was delivered.
  #settle(parcel: SentParcel): void {
    if (parcel.open.size === 0) this.#end(parcel);
    if (this.#unwanted) this.withdraw();
    this.#host.plan();
  }

  #deliver(parcel: SentParcel, position: number, outcome: ItemOutcome): void {
    if (!parcel.open.has(position) || parcel.coming.has(position)) return;
    if ("packed" in outcome && isInPieces(outcome.packed)) {
      parcel.coming.add(position);
      void this.#fetch(parcel, position, outcome.kind, outcome.packed);
      return;
    }
    parcel.open.delete(position);
    const { job } = parcel;
    const index = parcel.indexes[position];
    if (outcome.kind === "back") return this.#giveBack(parcel, [position]);
    if (outcome.kind === "lost") {
      const { worker, pid, exitCode, signal, message } = outcome;
      const error = message === undefined ? undefined : new Error(message);
      return this.#lose(job, index, { worker, pid, exitCode, signal, error });
    }
    let failed = outcome.kind === "error";
    let value: unknown;
    try {
      value = meaningOf(outcome.packed as Packed);
    } catch (error) {
      failed = true;
      value = error;
    }
    if (failed) this.failed++;
    else this.completed++;
    this.#call(() => failed ? job.failed(index, value) : job.done(index, value));
  }

  // Asks for a large outcome, piece by piece, until it is here or its agent is given up: the task is lost with that.
  async #fetch(parcel: SentParcel, position: number, kind: "value" | "error", sent: InPieces): Promise<void> {
    const engine = this.#host.engine!;
    const { id, nonce, agent } = parcel;
    let outcome: ItemOutcome | undefined;
    while (outcome === undefined && parcel.open.has(position) && !engine.isClosed) {
      try {
        const whole = await gather(sent, engine.maxBytes, async (from, length) => {
          if (!parcel.open.has(position)) return undefined;
          const question: PieceQuestion = { id, nonce, position, from, length };
          return await insist(engine, `agent.${agent}.piece`, toBytes(question));
        });
        if (whole !== undefined) outcome = { kind, packed: whole };
        else await new Promise((resolve) => setTimeout(resolve, AGAIN));
      } catch (error) {
        // There is no memory for it, say.
        outcome = { kind: "error", packed: packError(error) };
      }
    }
    void insist(engine, `agent.${agent}.fetched`, toBytes({ id, nonce, position }));
    parcel.coming.delete(position);
    if (outcome === undefined || !parcel.open.has(position)) return;
    this.#deliver(parcel, position, outcome);
    this.#settle(parcel);
  }

  #lose(job: Job, index: number, ending: Parameters<Job["lost"]>[1]): void {
    this.#call(() => {
      const answer = job.lost(index, ending);
      if (answer !== "again") {
        this.failed++;
        return answer;
      }
      this.#host.add(job.source);
      return false;
    });
  }

  /** An agent is gone that had a parcel, or the parcel is. */
  loseParcel(parcel: SentParcel, reason: string): void {
    if (this.#parcels.get(parcel.number) !== parcel) return;
    const { agent, job, indexes, open } = parcel;
    const { agents } = this.#host;
    const identity = { worker: agents.nameOf(agent!), pid: agents.get(agent!)?.pid };
    // It may be there after all, and is to stop then.
    this.#cancel(parcel, [...open]);
    this.#parcels.delete(parcel.number);
    for (const position of open) {
      this.#lose(job, indexes[position], { ...identity, error: new Error(`its agent ${reason}`) });
    }
    open.clear();
    if (this.#unwanted) this.withdraw();
    this.#host.plan();
  }

  /** An agent cannot begin with a parcel, and no agent with the same code can. */
  refuse({ id, kind, message }: Refusal): void {
    const parcel = this.#find(id);
    if (parcel === undefined || parcel.isGranted) return;
    const { job, indexes, open } = parcel;
    const Type = kind === "target" ? TargetError : kind === "code" ? CodeMismatchError : EngineError;
    this.#end(parcel);
    for (const position of open) {
      this.failed++;
      this.#call(() => job.failed(indexes[position], new Type(message)));
    }
    if (this.#unwanted) this.withdraw();
    this.#host.plan();
  }

  // What a callback of the program throws must not stop the pool.
  #call(call: () => boolean): void {
    try {
      if (call()) this.#unwanted = true;
    } catch (error) {
      reportError(error);
    }
  }
}

function meaningOf(packed: Packed): unknown {
  return typeof packed === "number" ? packed : decode(foreign(packed));
}
