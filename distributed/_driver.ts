/**
 * The program's side of a pool of many machines. Only the driver decides about its tasks: an agent asks it before it
 * begins a task, and it takes each outcome once. So it does not matter what the engine loses or repeats.
 *
 * @module
 */

import { EachJob } from "../_internal/pool/errands.ts";
import { CallSite } from "../_internal/pool/functions.ts";
import type { Job, Source } from "../_internal/pool/job.ts";
import type { Owner } from "../_internal/pool/owner.ts";
import { InvalidStateError } from "../_internal/errors.ts";
import type { Packed } from "../_internal/pool/task.ts";
import type { Trace } from "../_internal/pool/trace.ts";
import { KnownAgents } from "./_agents_known.ts";
import type { Engine } from "./_engine.ts";
import type { FleetFunctions } from "./_fleet_functions.ts";
import { Ledger, type LedgerHost } from "./_ledger.ts";
import { type OfferHost, Offering } from "./_offering.ts";
import type { SentParcel } from "./_parcels.ts";
import { Sending } from "./_sending.ts";
import { Sources } from "./_sources.ts";
import { fromBytes, type PingQuestion, type SetupQuestion, toBytes } from "./_wire.ts";
import { EngineError, NoAgentError } from "./fleet_errors.ts";

/** How often agents are asked which tasks they have: milliseconds. */
const TICK = 300;
/** The same while an agent seems to be gone. */
const SOON = 100;
/** Within this time all running agents have answered: milliseconds. */
const SOON_ALL = 200;
/** The assumed number of slots while no agent is known. */
const SLOTS_UNKNOWN = 4;
/** How many parcels are on their way for each slot. */
const AHEAD = 4;
const YES = new Uint8Array([1]);
const NO = new Uint8Array([0]);

/** The options of a driver. */
export interface DriverOptions {
  readonly connect: () => Promise<Engine>;
  readonly fleet: string;
  readonly functions: FleetFunctions;
  /** How many parcels are with agents at once, at most; `undefined`: as many as the fleet can take. */
  readonly most: number | undefined;
  readonly window: number | undefined;
  // Milliseconds.
  readonly lease: number;
  readonly agentTimeout: number;
  readonly engineTimeout: number;
  /** The command that starts an agent, for messages. */
  readonly command: string;
  /** The pool's name. */
  readonly name: string;
  readonly trace: Trace | undefined;
}

/** Runs the tasks of a pool on the agents of a fleet. */
export class Driver implements Owner, LedgerHost, OfferHost {
  readonly errands = undefined;
  readonly functions: FleetFunctions;
  readonly agents: KnownAgents;
  readonly posted: Ledger;
  broken: { error: unknown } | undefined;
  engine: Engine | undefined;
  readonly #id = crypto.randomUUID().slice(0, 13).replace("-", "");
  readonly #options: DriverOptions;
  readonly #sources: Sources;
  readonly #sites: Map<number, CallSite> = new Map();
  readonly #sending: Sending;
  readonly #offering: Offering;
  readonly #began = performance.now();
  /** The agents' numbers in the trace. */
  readonly #traced: Map<string, number> = new Map();
  #connected = 0;
  #planned = false;
  #isPosting = false;
  #tick: ReturnType<typeof setInterval> | undefined;
  #soon: ReturnType<typeof setTimeout> | undefined;
  /** Since when there are tasks; 0: there are none. */
  #waitingSince = 0;
  /** Since when no agent has been seen; 0: there is an agent. */
  #noneSince = 0;
  #onEmpty: (() => void) | undefined;
  #isOver = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.functions = options.functions;
    this.agents = new KnownAgents(options.lease);
    this.posted = new Ledger(this);
    this.#sources = new Sources(this.#id, () => this.agents.slots, options.functions.concurrency);
    this.#sending = new Sending(this.#id);
    this.#offering = new Offering(this.#id, this.agents, this);
    void this.#connect();
  }

  // The engine.

  async #connect(): Promise<void> {
    let engine: Engine;
    try {
      engine = await this.#options.connect();
    } catch (error) {
      this.#break(error);
      return;
    }
    if (this.#isOver) return await engine.close();
    this.engine = engine;
    this.#connected = performance.now();
    this.#answer(engine);
    engine.onBack(() => {
      engine.tell("hello", YES);
      this.#waitingSince = performance.now();
      this.plan();
      this.#sending.reconcile(engine, this.posted.ungranted, true);
    });
    engine.onGone((error) => this.#break(error));
    engine.tell("hello", YES);
    this.#waitingSince = performance.now();
    this.plan();
  }

  #answer(engine: Engine): void {
    const ledger = this.posted;
    const name = `driver.${this.#id}`;
    engine.answer(
      `${name}.ping`,
      (bytes) => toBytes({ ids: ledger.unknown(fromBytes<PingQuestion>(bytes).ids) }),
    );
    engine.answer(`${name}.setup`, async (bytes) => {
      return toBytes(await this.functions.setupOf(fromBytes<SetupQuestion>(bytes).fn));
    });
    engine.answer(`${name}.grant`, (bytes) => toBytes(ledger.grant(fromBytes(bytes))));
    engine.answer(`${name}.piece`, (bytes) => ledger.pieceOf(fromBytes(bytes)));
    engine.answer(`${name}.done`, (bytes) => ledger.take(fromBytes(bytes)) ? YES : NO);
    engine.answer(`${name}.refuse`, (bytes) => {
      ledger.refuse(fromBytes(bytes));
      return YES;
    });
    engine.answer("news", (bytes) => {
      if (this.agents.hear(fromBytes(bytes))) this.plan();
      return undefined;
    });
  }

  /** Resolves with `true` when an agent is known, or with `false` after `timeout` milliseconds. */
  async whenReady(timeout: number, signal?: AbortSignal): Promise<boolean> {
    const isReady = await this.agents.whenAny(timeout, signal, () => this.broken !== undefined || this.#isOver);
    if (this.broken !== undefined) throw this.broken.error;
    if (this.#isOver) throw new InvalidStateError("Cannot wait for agents as the pool is closed: make a new Pool");
    return isReady;
  }

  async warm(): Promise<void> {
    if (!await this.whenReady(this.#options.agentTimeout)) throw this.#noAgent();
  }

  // Calls of the pool.

  get size(): number {
    return this.#options.most ?? Math.max(this.agents.slots, SLOTS_UNKNOWN);
  }

  get workers(): number {
    return this.#isOver ? 0 : this.agents.slots;
  }

  get busy(): number {
    return this.posted.size - this.posted.waiting;
  }

  get queued(): number {
    return this.posted.ungranted.reduce((sum, { open }) => sum + open.size, this.#sources.waiting);
  }

  siteOf(fn: number): CallSite {
    let site = this.#sites.get(fn);
    if (site === undefined) this.#sites.set(fn, site = new CallSite());
    return site;
  }

  add(source: Source): void {
    this.#sources.add(source);
    this.plan();
  }

  begin(source: Source): void {
    this.add(source);
  }

  hurry(): void {
    this.#sources.hurry();
    this.plan();
  }

  withdraw(): void {
    this.posted.withdraw();
  }

  withdrawOne(number: number, job: Job): void {
    this.posted.withdrawOne(number, job);
  }

  together(giveUp: () => void): void {
    this.posted.together(giveUp);
  }

  close(empty: () => void): void {
    this.#onEmpty = empty;
    this.plan();
  }

  terminate(error: unknown): void {
    if (!this.#isOver) this.#giveUpAll(error);
  }

  // The engine cannot be used: all tasks reject, now and later.
  #break(error: unknown): void {
    if (this.broken !== undefined || this.#isOver) return;
    this.broken = { error };
    this.#giveUpAll(error);
    this.agents.tell();
  }

  #giveUpAll(error: unknown): void {
    this.posted.giveUpAll(this.#sources.clear(), error);
  }

  async each(fn: number, name: string, { packed, spread }: { packed: Packed; spread: boolean }): Promise<unknown[]> {
    await this.warm();
    // Running agents answer soon after the first question.
    if (performance.now() - this.#connected < SOON_ALL) await new Promise((resolve) => setTimeout(resolve, SOON_ALL));
    const engine = this.engine!;
    const agents = this.agents.all;
    const job = new EachJob(fn, name, spread, new Array(this.agents.slots).fill(packed));
    let first = 0;
    for (const { id, slots } of agents) {
      const parcel = this.#sources.eachOf(job, first, slots, engine.maxBytes);
      first += slots;
      this.posted.add(parcel);
      this.posted.grantTo(parcel, id);
      void this.#offering.offer(engine, parcel);
    }
    this.plan();
    return await job.promise;
  }

  // Calls of the ledger.

  forget(parcel: SentParcel): void {
    this.#sending.forget(this.engine, parcel);
  }

  noteRun(parcel: SentParcel, each: number, count: number): void {
    const { agent, fn, indexes, since } = parcel;
    if (each > 0) this.#sources.noteCost(fn, each);
    const { trace, name } = this.#options;
    if (trace === undefined) return;
    let worker = this.#traced.get(agent!);
    if (worker === undefined) {
      this.#traced.set(agent!, worker = this.#traced.size + 1);
      trace.worker(worker, `${name}-${worker} (${this.agents.nameOf(agent!)})`);
    }
    const began = Math.max(0, since - this.#began);
    trace.slice(worker, this.functions.nameOf(fn), began, each * count, indexes[0], count);
  }

  // Sending parcels, and checking on those that were sent.

  /** Sends pending tasks in the next microtask. */
  plan(): void {
    if (this.#planned) return;
    this.#planned = true;
    queueMicrotask(() => {
      this.#planned = false;
      if (!this.#isOver) this.#pump();
    });
  }

  #pump(): void {
    if (this.#sites.size > 0) this.#sites.clear();
    if (this.broken !== undefined && !this.#sources.isEmpty) this.#giveUpAll(this.broken.error);
    this.#post();
    this.#options.trace?.depth(this.queued, performance.now() - this.#began);
    if (!this.#sources.isEmpty || this.posted.size > 0) {
      this.#waitingSince ||= performance.now();
      this.#tick ??= setInterval(() => this.#look(), TICK);
      return;
    }
    this.#waitingSince = 0;
    this.agents.rest();
    clearInterval(this.#tick);
    clearTimeout(this.#soon);
    this.#tick = undefined;
    if (this.#onEmpty !== undefined) void this.#finish(this.#onEmpty);
  }

  #post(): void {
    const { engine } = this;
    // Reading an iterable here may submit tasks, which calls this again.
    if (engine === undefined || this.broken !== undefined || this.#isPosting) return;
    this.#isPosting = true;
    try {
      while (this.posted.size < this.#window) {
        const parcel = this.#sources.next(engine.maxBytes);
        if (parcel === undefined) break;
        this.posted.add(parcel);
        this.#send(engine, parcel);
      }
    } finally {
      this.#isPosting = false;
    }
  }

  // Offers the parcel straight to a free agent only if no other parcel waits: it would overtake those in the queue.
  #send(engine: Engine, parcel: SentParcel): void {
    // `waiting` includes this parcel.
    const agent = this.posted.waiting === 1 ? this.#offering.free(this.posted.granted) : undefined;
    if (agent === undefined) return this.#sending.send(engine, parcel);
    this.posted.grantTo(parcel, agent);
    void this.#offering.offer(engine, parcel);
  }

  /** An agent that was offered a parcel does not have it. */
  refused(parcel: SentParcel): void {
    // A parcel of `each()` is for the workers of that agent, and no other agent can take it.
    if (parcel.inEach) return this.posted.loseParcel(parcel, "takes no more tasks");
    this.posted.refused(parcel);
    if (this.engine !== undefined && this.posted.isOpen(parcel)) this.#sending.send(this.engine, parcel);
  }

  taken(parcel: SentParcel): void {
    this.posted.taken(parcel);
  }

  tellAgain(parcel: SentParcel): void {
    this.posted.tellAgain(parcel);
  }

  isWith(parcel: SentParcel, nonce: string): boolean {
    return this.posted.isWith(parcel, nonce);
  }

  get #window(): number {
    const { window, most = Infinity } = this.#options;
    return Math.min(most, window ?? AHEAD * Math.max(this.agents.slots, SLOTS_UNKNOWN));
  }

  async #finish(empty: () => void): Promise<void> {
    this.#isOver = true;
    this.agents.tell();
    const { engine } = this;
    try {
      // The last messages, which cancel tasks for example, must reach the agents.
      if (engine?.awaySince === undefined) await engine?.flush();
      await engine?.close();
    } catch {
      // The connection is gone anyway.
    }
    empty();
  }

  #look(): void {
    const { engine } = this;
    if (engine === undefined) return;
    const { agentTimeout, engineTimeout } = this.#options;
    const { awaySince } = engine;
    const time = performance.now();
    if (awaySince !== undefined) {
      // The server may have stood still and answer again: nothing else reports that.
      void engine.probe();
      this.#noneSince = 0;
      if (time - awaySince <= engineTimeout) return;
      this.#giveUpAll(new EngineError(`Cannot finish task as ${engine.place} has been away for ${engineTimeout} ms`));
      return;
    }
    const { granted, ungranted } = this.posted;
    if (this.agents.isDoubtful) {
      clearTimeout(this.#soon);
      this.#soon = setTimeout(() => this.#tick === undefined || this.#look(), SOON);
    }
    this.agents.check(engine, this.#id, granted, (parcel, reason) => {
      this.posted.loseParcel(parcel as SentParcel, reason);
    });
    this.#sending.reconcile(engine, ungranted);
    if (this.agents.all.length > 0 || granted.size > 0) {
      this.#noneSince = 0;
      return;
    }
    engine.tell("hello", YES);
    this.#noneSince ||= Math.max(this.#waitingSince, time - TICK);
    if (time - this.#noneSince <= agentTimeout) return;
    this.#noneSince = 0;
    this.#giveUpAll(this.#noAgent());
  }

  #noAgent(): NoAgentError {
    const { fleet, agentTimeout, command } = this.#options;
    return new NoAgentError(
      `Cannot run task as no agent of fleet "${fleet}" has answered for ${agentTimeout} ms: start one with ${command}`,
    );
  }
}
