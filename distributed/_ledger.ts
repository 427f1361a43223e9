/**
 * The parcels of a program that are on their way: which agent was granted which parcel, and the outcomes of their
 * tasks. Each parcel is granted once, and each outcome is taken once, however often agents repeat their questions and
 * reports.
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

/** The pause before missing pieces are asked for again: milliseconds. */
const AGAIN = 200;

/** What the driver does when something happens to parcels. */
export interface LedgerHost {
  /** `undefined` before it is connected. */
  readonly engine: Engine | undefined;
  readonly agents: KnownAgents;
  /** A source has tasks to send again. */
  add(source: Source): void;
  /** More parcels can be sent. */
  plan(): void;
  /** A parcel that was not granted must not be begun any more. */
  forget(parcel: SentParcel): void;
  /** `count` calls of the parcel's function were made, and took `each` milliseconds each. */
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
  /** Some tasks may be unwanted: they are withdrawn when the present call is over. */
  #unwanted = false;
  #together = 0;

  constructor(host: LedgerHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#parcels.size;
  }

  /** The granted parcels of each agent. */
  get granted(): ReadonlyMap<string, ReadonlySet<SentParcel>> {
    return this.#parcels.granted;
  }

  /** How many parcels no agent has. */
  get waiting(): number {
    return this.#parcels.size - this.#parcels.held;
  }

  /** The parcels that no agent has. */
  get ungranted(): SentParcel[] {
    return [...this.#parcels].filter(({ isGranted }) => !isGranted);
  }

  /** Adds a parcel that is about to be sent. */
  add(parcel: SentParcel): void {
    this.#parcels.add(parcel);
    for (const job of new Set(parcel.jobs)) job.posted?.(parcel.number);
  }

  /** Whether an agent has the parcel. */
  isRunning(number: number): boolean {
    return this.#parcels.get(number)?.isGranted ?? false;
  }

  /** A piece of a large value, for an agent that asks for it; empty: the value is no longer available. */
  pieceOf({ id, nonce, position, from, length }: PieceQuestion): Uint8Array {
    const parcel = this.#parcels.find(id);
    const whole = parcel?.nonce === nonce ? parcel.large.get(position) : undefined;
    return whole?.subarray(from, from + length) ?? new Uint8Array();
  }

  #end(parcel: SentParcel): void {
    if (this.#parcels.delete(parcel) && !parcel.isGranted) this.#host.forget(parcel);
  }

  // Tasks that no caller wants any more.

  /** Runs `giveUp`, which gives up several jobs, and withdraws all their tasks after that. */
  together(giveUp: () => void): void {
    this.#together++;
    try {
      giveUp();
    } finally {
      this.#together--;
      this.withdraw();
    }
  }

  /** Takes back unwanted tasks that no agent has, and asks agents to give up the others. */
  withdraw(): void {
    this.#unwanted = this.#together > 0;
    if (this.#unwanted) return;
    for (const parcel of [...this.#parcels]) {
      const { unwanted } = parcel;
      if (unwanted.length === 0) continue;
      // An agent that is later granted the rest learns which tasks to leave out.
      if (parcel.isGranted) this.#cancel(parcel, unwanted);
      else if (unwanted.length === parcel.open.size) this.takeBack(parcel.number);
    }
    this.#host.plan();
  }

  /** Withdraws unwanted tasks if the parcel of this number has tasks of the job. */
  withdrawOne(number: number, job: Job): void {
    if (this.#parcels.get(number)?.jobs.includes(job)) this.withdraw();
  }

  /** Takes back the unwanted tasks of a parcel, if no agent has it, so that none begins them. Its other tasks go on. */
  takeBack(number: number): boolean {
    const parcel = this.#parcels.get(number);
    if (parcel === undefined || parcel.isGranted) return false;
    // The unwanted tasks are left out when an agent is granted the rest.
    if (parcel.unwanted.length < parcel.open.size) return true;
    this.#end(parcel);
    this.#giveBack(parcel, [...parcel.open]);
    return true;
  }

  /** Gives up all parcels and the jobs of these sources, and notifies the agents. */
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

  // Gives tasks that no worker has begun back to their jobs.
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

  /** Asks the agent again to give up the tasks that it was asked to give up before. */
  tellAgain(parcel: SentParcel): void {
    if (parcel.told.size > 0) this.#tell(parcel, [...parcel.told]);
  }

  // Questions and reports of agents.

  /** Grants a parcel to an agent before it is offered to that agent. */
  grantTo(parcel: SentParcel, agent: string): void {
    this.#parcels.grant(parcel, agent, crypto.randomUUID());
    parcel.isOffered = true;
  }

  /** The agent that was offered a parcel has it. */
  taken(parcel: SentParcel): void {
    parcel.isOffered = false;
  }

  /** Whether a parcel is with an agent by this nonce, and not over. */
  isWith(parcel: SentParcel, nonce: string): boolean {
    return this.#parcels.has(parcel) && parcel.nonce === nonce;
  }

  /** Which of these parcels the program does not know, or not any more. */
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

  /** Decides whether an agent may begin a parcel. */
  grant({ id, agent, nonce }: GrantQuestion): Grant {
    const parcel = this.#parcels.find(id);
    if (parcel === undefined) return { isGranted: false, skip: [] };
    // The same nonce: the answer may have been lost, so it is repeated. Another delivery has another nonce, even to the
    // same agent.
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

  /** Takes the outcomes of tasks. `false`: the parcel is not with this agent any more. */
  take({ id, nonce, number, outcomes, each }: Report): boolean {
    const parcel = this.#parcels.find(id);
    if (parcel === undefined || parcel.nonce !== nonce) return false;
    // This report was taken before.
    if (number !== parcel.reports) return true;
    parcel.reports++;
    // The agent's answer to the offer may arrive later or never.
    this.taken(parcel);
    this.#host.agents.heardOf(parcel.agent!);
    this.#noteRuns(parcel, outcomes, each);
    for (const [position, outcome] of outcomes) this.#deliver(parcel, position, outcome);
    this.#settle(parcel);
    return true;
  }

  // Tasks that come back were not begun, so they are not counted.
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

  // Does what is left after outcomes were delivered.
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

  // Asks for a large outcome in pieces, until it is complete or its agent is given up, with which the task is lost.
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
        // There may be no memory for it, for example.
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

  /** The agent that had a parcel is gone, or has lost the parcel. */
  loseParcel(parcel: SentParcel, reason: string): void {
    if (!this.#parcels.has(parcel)) return;
    const { agent, jobs, indexes, open } = parcel;
    const { agents } = this.#host;
    const identity = { worker: agents.nameOf(agent!), pid: agents.get(agent!)?.pid };
    // If the agent is still there after all, it must stop.
    this.#cancel(parcel, [...open]);
    this.#end(parcel);
    for (const position of open) {
      this.#lose(jobs[position], indexes[position], { ...identity, error: new Error(`its agent ${reason}`) });
    }
    open.clear();
    if (this.#unwanted) this.withdraw();
    this.#host.plan();
  }

  /** An agent cannot begin a parcel, nor could any agent with the same code. */
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

  // An error that a callback of the program throws must not stop the pool.
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
