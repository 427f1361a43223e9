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
import { Parcels, type SentParcel } from "./_parcels.ts";
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
  /** So many calls were made of a parcel's function, which took so many milliseconds each. */
  noteRun(parcel: SentParcel, each: number, count: number): void;
}

/** The parcels that are on their way. */
export class Ledger {
  completed = 0;
  failed = 0;
  readonly waitTimes: Histogram = new Histogram();
  readonly runTimes: Histogram = new Histogram();
  readonly #host: LedgerHost;
  readonly #parcels: Parcels = new Parcels();
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
  get granted(): ReadonlyMap<string, ReadonlySet<SentParcel>> {
    return this.#parcels.granted;
  }

  /** How many no agent has. */
  get waiting(): number {
    return this.#parcels.size - this.#parcels.held;
  }

  /** Those that no agent has. */
  get ungranted(): SentParcel[] {
    return [...this.#parcels].filter(({ isGranted }) => !isGranted);
  }

  /** Takes a parcel on, which is sent then. */
  add(parcel: SentParcel): void {
    this.#parcels.add(parcel);
    for (const job of new Set(parcel.jobs)) job.posted?.(parcel.number);
  }

  /** Whether an agent has the task. */
  isRunning(number: number): boolean {
    return this.#parcels.get(number)?.isGranted ?? false;
  }

  /** A value that an agent asks for piece by piece; empty: it is not to be had any more. */
  pieceOf({ id, nonce, position, from, length }: PieceQuestion): Uint8Array {
    const parcel = this.#parcels.find(id);
    const whole = parcel?.nonce === nonce ? parcel.large.get(position) : undefined;
    return whole?.subarray(from, from + length) ?? new Uint8Array();
  }

  #end(parcel: SentParcel): void {
    if (this.#parcels.delete(parcel) && !parcel.isGranted) this.#host.forget(parcel);
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
    for (const parcel of [...this.#parcels]) {
      const { unwanted } = parcel;
      if (unwanted.length === 0) continue;
      // An agent that is granted the rest is told which are to be left out.
      if (parcel.isGranted) this.#cancel(parcel, unwanted);
      else if (unwanted.length === parcel.open.size) this.takeBack(parcel.number);
    }
    this.#host.plan();
  }

  /** The same where a task of that job, in the parcel of that number, was given up. */
  withdrawOne(number: number, job: Job): void {
    if (this.#parcels.get(number)?.jobs.includes(job)) this.withdraw();
  }

  /** Takes back what no caller wants of a parcel, if no agent has it: so none begins with that. Its other tasks go on. */
  takeBack(number: number): boolean {
    const parcel = this.#parcels.get(number);
    if (parcel === undefined || parcel.isGranted) return false;
    // Otherwise what is not wanted is left out when an agent is granted the rest.
    if (parcel.unwanted.length < parcel.open.size) return true;
    this.#end(parcel);
    this.#giveBack(parcel, [...parcel.open]);
    return true;
  }

  /** Gives everything up, and these jobs. The agents are told. */
  giveUpAll(sources: readonly Source[], error: unknown): void {
    const parcels = [...this.#parcels];
    for (const parcel of parcels) this.#cancel(parcel, [...parcel.open]);
    this.#together++;
    try {
      for (const source of sources) source.abort(error);
      for (const { jobs } of parcels) for (const job of new Set(jobs)) job.abort(error);
    } finally {
      this.#together--;
    }
    for (const parcel of parcels) this.#end(parcel);
    this.#host.plan();
  }

  // Gives tasks back to their jobs with which no worker has begun.
  #giveBack({ jobs, indexes }: SentParcel, positions: readonly number[]): void {
    for (const position of positions) {
      const job = jobs[position];
      if (job.again(indexes[position])) this.#host.add(job.source);
    }
    this.#host.plan();
  }

  #cancel(parcel: SentParcel, positions: readonly number[]): void {
    const untold = positions.filter((position) => !parcel.told.has(position));
    if (parcel.agent === undefined || untold.length === 0) return;
    for (const position of untold) parcel.told.add(position);
    this.#tell(parcel, untold);
  }

  #tell({ id, agent }: SentParcel, positions: readonly number[]): void {
    this.#host.engine?.tell(`agent.${agent}.cancel`, toBytes({ id, positions }));
  }

  /** Tells the agent again what it is to give up. */
  tellAgain(parcel: SentParcel): void {
    if (parcel.told.size > 0) this.#tell(parcel, [...parcel.told]);
  }

  // What agents ask and say.

  /** Grants a parcel to an agent that is to be offered it. */
  grantTo(parcel: SentParcel, agent: string): void {
    this.#parcels.grant(parcel, agent, crypto.randomUUID());
    parcel.isOffered = true;
  }

  /** The agent that was offered a parcel has it. */
  taken(parcel: SentParcel): void {
    parcel.isOffered = false;
  }

  /** Whether a parcel is with an agent by that nonce, and not over. */
  isWith(parcel: SentParcel, nonce: string): boolean {
    return this.#parcels.has(parcel) && parcel.nonce === nonce;
  }

  /** Which of these parcels it does not know, or not any more. */
  unknown(ids: readonly string[]): string[] {
    return ids.filter((id) => this.#parcels.find(id) === undefined);
  }

  /** Whether a parcel is not over. */
  isOpen(parcel: SentParcel): boolean {
    return this.#parcels.has(parcel);
  }

  /** The agent that was offered a parcel does not have it. */
  refused(parcel: SentParcel): void {
    this.#parcels.revoke(parcel);
    parcel.told.clear();
    const { unwanted } = parcel;
    if (unwanted.length === parcel.open.size) this.takeBack(parcel.number);
  }

  /** Whether an agent may begin with a parcel. */
  grant({ id, agent, nonce }: GrantQuestion): Grant {
    const parcel = this.#parcels.find(id);
    if (parcel === undefined) return { isGranted: false, skip: [] };
    // The answer to the same question may have been lost. Another delivery, also to the same agent, is another question.
    if (parcel.isGranted) return { isGranted: parcel.nonce === nonce, skip: [...parcel.told] };
    const skip = parcel.unwanted;
    this.#parcels.grant(parcel, agent, nonce);
    this.#host.agents.heardOf(agent);
    for (const position of skip) {
      parcel.told.add(position);
      parcel.open.delete(position);
    }
    this.#giveBack(parcel, skip);
    if (parcel.open.size === 0) this.#end(parcel);
    return { isGranted: true, skip };
  }

  /** Takes what came of tasks. `false`: they are not those of this agent any more. */
  take({ id, nonce, number, outcomes, each }: Report): boolean {
    const parcel = this.#parcels.find(id);
    if (parcel === undefined || parcel.nonce !== nonce) return false;
    // For the second time.
    if (number !== parcel.reports) return true;
    parcel.reports++;
    // The answer to its offer may come later, or not at all.
    this.taken(parcel);
    this.#host.agents.heardOf(parcel.agent!);
    this.#noteRuns(parcel, outcomes, each);
    for (const [position, outcome] of outcomes) this.#deliver(parcel, position, outcome);
    this.#settle(parcel);
    return true;
  }

  // What comes back was not begun with.
  #noteRuns(parcel: SentParcel, outcomes: Report["outcomes"], each: number): void {
    let count = 0;
    for (const [position, { kind }] of outcomes) {
      if (kind === "back" || !parcel.open.has(position)) continue;
      count++;
      this.waitTimes.add(Math.max(0, parcel.since - parcel.jobs[position].since), 1);
    }
    if (count === 0) return;
    this.runTimes.add(each, count);
    this.#host.noteRun(parcel, each, count);
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
    const job = parcel.jobs[position];
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
    if (!this.#parcels.has(parcel)) return;
    const { agent, jobs, indexes, open } = parcel;
    const { agents } = this.#host;
    const identity = { worker: agents.nameOf(agent!), pid: agents.get(agent!)?.pid };
    // It may be there after all, and is to stop then.
    this.#cancel(parcel, [...open]);
    this.#end(parcel);
    for (const position of open) {
      this.#lose(jobs[position], indexes[position], { ...identity, error: new Error(`its agent ${reason}`) });
    }
    open.clear();
    if (this.#unwanted) this.withdraw();
    this.#host.plan();
  }

  /** An agent cannot begin with a parcel, and no agent with the same code can. */
  refuse({ id, kind, message }: Refusal): void {
    const parcel = this.#parcels.find(id);
    if (parcel === undefined || parcel.isGranted) return;
    const { jobs, indexes, open } = parcel;
    const Type = kind === "target" ? TargetError : kind === "code" ? CodeMismatchError : EngineError;
    this.#end(parcel);
    for (const position of open) {
      this.failed++;
      this.#call(() => jobs[position].failed(indexes[position], new Type(message)));
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
