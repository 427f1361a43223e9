/**
 * An agent takes parcels from the queue, asks their program whether it may begin, runs the tasks in a pool of this
 * machine, and repeats its reports until the program has confirmed them.
 *
 * The code of programs runs only in the workers of that pool, so the agent answers while tasks compute.
 *
 * @module
 */

import { TargetError } from "../_internal/errors.ts";
import type { Relay } from "../_internal/pool/relay.ts";
import { type DriversHost, KnownDrivers } from "./_drivers_known.ts";
import { type Delivery, type Engine, NotListeningError } from "./_engine.ts";
import { type HeldHost, HeldParcel } from "./_held.ts";
import { ANSWER, insist } from "./_insist.ts";
import { Intake, type Place } from "./_intake.ts";
import { type Offer, TakenOffers } from "./_offers_taken.ts";
import type { PieceQuestion } from "./_pieces.ts";
import { type Prepared, Preparing, type PreparingOptions, type Refused } from "./_preparing.ts";
import {
  type AgentInfo,
  type Cancel,
  type Fetched,
  fromBytes,
  type Grant,
  type Held,
  type HeldQuestion,
  type News,
  type Parcel,
  PROTOCOL,
  toBytes,
} from "./_wire.ts";
import { CodeMismatchError } from "./fleet_errors.ts";

// Times in milliseconds.
/** How often programs are asked whether they are there. */
const TICK = 500;
/** The same for programs for which nothing runs. */
const ALL = 30_000;
/** How often an agent reports that it is there. */
const NEWS = 5000;
/** How long after its program is gone the worker of a task is replaced. */
const KILL_AFTER = 1000;
/** How long the last reports may take. */
const LAST = 5000;
/** How long a parcel waits here for a free slot. Then it is given back, and another agent may have a slot. */
const PATIENCE = 30;

/** A parcel that cannot be begun is given back after this time. */
const AGAIN = 100;
/** A running program answers within this time: milliseconds. */
const ANSWERS = 300;
/** How often the queue is asked to keep a parcel while its program does not answer: milliseconds. */
const KEEP = 1000;

const YES = new Uint8Array([1]);
const NO = new Uint8Array([0]);

/** The options of an agent. */
export interface AgentOptions extends PreparingOptions {
  readonly labels: Record<string, string>;
  readonly host: string;
  readonly pid: number;
}

/** Works for the programs of a fleet. */
export class Agent implements HeldHost, DriversHost {
  readonly #engine: Engine;
  readonly #options: AgentOptions;
  readonly #id = crypto.randomUUID().slice(0, 13).replace("-", "");
  readonly #preparing: Preparing;
  /** Parcels that were delivered and are not over. */
  readonly #held: Set<HeldParcel> = new Set();
  readonly #timers: ReturnType<typeof setInterval>[];
  readonly #drivers: KnownDrivers;
  /** Programs that are known to be gone. */
  readonly #gone: Set<string> = new Set();
  #lookedAtAll = performance.now();
  readonly #intake: Intake;
  /** Programs that have not answered for a while. */
  readonly #silent: Set<string> = new Set();
  readonly #offers: TakenOffers = new TakenOffers();
  isLeaving = false;
  /** The agent's name, once it ends running tasks by force. */
  endedBy: string | undefined;
  #onIdle: (() => void) | undefined;

  constructor(engine: Engine, options: AgentOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#preparing = new Preparing(engine, options);
    this.#drivers = new KnownDrivers(engine, this);
    const name = `agent.${this.#id}`;
    engine.answer(`${name}.offer`, (bytes) => this.#consider(bytes) ? YES : NO);
    engine.answer(`${name}.each`, (bytes) => this.#considerEach(bytes) ? YES : NO);
    engine.answer(`${name}.held`, (bytes) => {
      const { driver, given } = fromBytes<HeldQuestion>(bytes);
      for (const cancel of given) this.#cancel(cancel);
      const held: Held = { ids: [...this.#held].filter((each) => each.driver === driver).map(({ id }) => id) };
      return toBytes(held);
    });
    engine.answer(`${name}.cancel`, (bytes) => {
      this.#cancel(fromBytes<Cancel>(bytes));
      return undefined;
    });
    engine.answer(`${name}.piece`, (bytes) => {
      const question = fromBytes<PieceQuestion>(bytes);
      return this.#find(question)?.pieceOf(question);
    });
    engine.answer(`${name}.fetched`, (bytes) => {
      const { position, ...which } = fromBytes<Fetched>(bytes);
      this.#find(which)?.fetched(position);
      return YES;
    });
    engine.answer("hello", () => {
      this.#tellNews();
      return undefined;
    });
    this.#intake = new Intake(options.slots, engine.takeTasks((delivery) => this.#receive(delivery)));
    this.#timers = [setInterval(() => this.#lookAtDrivers(), TICK), setInterval(() => this.#tellNews(), NEWS)];
    this.#tellNews();
    this.#intake.ask();
  }

  #cancel({ id, positions }: Cancel): void {
    for (const held of this.#held) if (held.id === id) held.giveUp(positions);
  }

  #find({ id, nonce }: { id: string; nonce: string }): HeldParcel | undefined {
    for (const held of this.#held) if (held.id === id && held.nonce === nonce) return held;
    return undefined;
  }

  get info(): AgentInfo {
    const { name, host, pid, slots, labels } = this.#options;
    let running = 0;
    for (const held of this.#held) running += held.running;
    return { name, host, pid, slots, running, labels };
  }

  #tellNews(): void {
    const news: News = { ...this.info, id: this.#id, isLeaving: this.isLeaving };
    this.#engine.tell("news", toBytes(news));
  }

  // Tasks.

  #receive(delivery: Delivery): void {
    const place = this.#intake.come();
    let parcel: Parcel;
    let held: HeldParcel | undefined;
    try {
      parcel = fromBytes(delivery.bytes);
      if (typeof parcel.driver !== "string" || typeof parcel.id !== "string") throw new TypeError("no parcel");
      // A parcel of another version may have another form.
      if (parcel.protocol === PROTOCOL) this.#held.add(held = new HeldParcel(parcel, this.#engine, this));
    } catch {
      // A message of another library: no program waits for it.
      delivery.done();
      return place.leave();
    }
    const run = held === undefined
      ? this.#refuse(delivery, parcel, this.#otherVersion)
      : this.#run(delivery, parcel, held, place);
    void run
      .catch((error) => console.error(`Cannot go on with a task of ${parcel.driver}:`, error))
      .finally(() => {
        place.leave();
        if (held !== undefined) this.#drop(held);
      });
  }

  get #otherVersion(): Refused {
    const message =
      `Cannot run task as agent ${this.#options.name} has another version of this library: install the same`;
    return { refusal: { kind: "protocol", message } };
  }

  async #refuse(delivery: Delivery, { driver, id }: Parcel, { refusal }: Refused): Promise<void> {
    await insist(this.#engine, `driver.${driver}.refuse`, toBytes({ id, ...refusal }));
    delivery.done();
  }

  async #run(delivery: Delivery, parcel: Parcel, held: HeldParcel, place: Place): Promise<void> {
    const { driver, fn } = parcel;
    // A program that is gone may have left many parcels: drop them without another long wait.
    if (this.#gone.has(driver) && !await this.#isBack(driver)) return delivery.done();
    const prepared = await this.#hear(driver, delivery, place, this.#preparing.prepare(driver, fn));
    if (prepared === "gone") {
      this.#gone.add(driver);
      return delivery.done();
    }
    if ("refusal" in prepared) return await this.#refuse(delivery, parcel, prepared);
    // A silent program is asked before the parcel takes a slot, so that other parcels can use the slot meanwhile.
    if (!this.#silent.has(driver) && !await place.take(PATIENCE)) {
      this.#intake.isAhead = false;
      return delivery.giveBack();
    }
    await this.#begin(delivery, held, place, prepared);
    // Another parcel can use the slot while the program confirms the reports.
    place.leave();
    await held.whenHeard();
  }

  async #begin(delivery: Delivery, held: HeldParcel, place: Place, prepared: Prepared): Promise<void> {
    const { driver, id, nonce } = held;
    const began = performance.now();
    // Steps that may fail come before the program is asked: if they fail, another agent may have room for a pool.
    let relay: Relay;
    try {
      relay = this.#preparing.relayFor(driver, prepared);
    } catch (error) {
      console.error(`Cannot begin with a task of ${driver}:`, error);
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
      return delivery.giveBack();
    }
    const asking = insist(this.#engine, `driver.${driver}.grant`, toBytes({ id, agent: this.#id, nonce }));
    const answer = await this.#hear(driver, delivery, place, asking);
    // A program that is gone needs no results. A parcel that was granted to another agent is done there.
    const grant: Grant | undefined = answer === undefined ? undefined : fromBytes(answer);
    if (answer === undefined) this.#gone.add(driver);
    // From here on only the program and this agent matter, whatever happens to the queue.
    delivery.done();
    if (grant?.isGranted !== true) return;
    await place.claim();
    await held.run(relay, prepared.description, prepared.name, grant.skip);
    if (performance.now() - began < PATIENCE) this.#intake.isAhead = true;
  }

  // Waits for a program's answer. While the program is silent, its parcel has no slot, and the intake asks for another
  // parcel.
  async #hear<T>(driver: string, delivery: Delivery, place: Place, answer: Promise<T>): Promise<T> {
    let keeping: ReturnType<typeof setInterval> | undefined;
    const timer = setTimeout(() => {
      this.#silent.add(driver);
      place.leave();
      delivery.keep();
      keeping = setInterval(() => delivery.keep(), KEEP);
    }, ANSWERS);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
      clearInterval(keeping);
      this.#silent.delete(driver);
    }
  }

  async #isBack(driver: string): Promise<boolean> {
    try {
      await this.#engine.request(`driver.${driver}.ping`, toBytes({ ids: [] }), ANSWER);
    } catch (error) {
      if (error instanceof NotListeningError) return false;
    }
    this.#gone.delete(driver);
    return true;
  }

  /** Takes an offered parcel if the agent can begin it now. The same offer may arrive again. */
  #consider(bytes: Uint8Array): boolean {
    const { driver, number, nonce, parcel: packed } = fromBytes<Offer>(bytes);
    return this.#offers.take(driver, number, () => this.#takeOffered(nonce, fromBytes<Parcel>(packed)));
  }

  #takeOffered(nonce: string, parcel: Parcel): boolean {
    const { driver, fn } = parcel;
    if (parcel.protocol !== PROTOCOL) return false;
    const prepared = this.#preparing.known(driver, fn);
    if (prepared === undefined) {
      // Prepared for the next offer of this function.
      void this.#preparing.prepare(driver, fn);
      return false;
    }
    let relay: Relay;
    try {
      relay = this.#preparing.relayFor(driver, prepared);
    } catch (error) {
      console.error(`Cannot begin with a task of ${driver}:`, error);
      // The program puts the parcel into the queue, for an agent that has room for a pool.
      return false;
    }
    const held = new HeldParcel(parcel, this.#engine, this, nonce);
    const place = this.#intake.comeUnasked();
    if (place === undefined) return false;
    this.#held.add(held);
    // Let the answer to the offer be sent first.
    queueMicrotask(() => {
      held.run(relay, prepared.description, prepared.name, [])
        .finally(() => place.leave())
        .then(() => held.whenHeard())
        .catch((error) => console.error(`Cannot go on with a task of ${driver}:`, error))
        .finally(() => this.#drop(held));
    });
    return true;
  }

  /** Takes a parcel whose call runs once in each worker. It runs beside all other parcels and waits for no slot. */
  #considerEach(bytes: Uint8Array): boolean {
    const { driver, number, nonce, parcel: packed } = fromBytes<Offer>(bytes);
    return this.#offers.take(driver, number, () => {
      const parcel = fromBytes<Parcel>(packed);
      if (this.isLeaving || parcel.protocol !== PROTOCOL) return false;
      const held = new HeldParcel(parcel, this.#engine, this, nonce);
      this.#held.add(held);
      void this.#runEach(parcel, held)
        .catch((error) => console.error(`Cannot go on with a task of ${driver}:`, error))
        .finally(() => this.#drop(held));
      return true;
    });
  }

  async #runEach({ driver, fn }: Parcel, held: HeldParcel): Promise<void> {
    const prepared = await this.#preparing.prepare(driver, fn);
    if (prepared === "gone") return;
    if ("refusal" in prepared) {
      const { kind, message } = prepared.refusal;
      held.fail(new (kind === "code" ? CodeMismatchError : TargetError)(message));
    } else {
      await held.runEach(this.#preparing.relayFor(driver, prepared), prepared.description, prepared.name);
    }
    await held.whenHeard();
  }

  #drop(held: HeldParcel): void {
    this.#held.delete(held);
    if (this.#held.size === 0) this.#onIdle?.();
  }

  // Programs.

  #lookAtDrivers(): void {
    const drivers = new Set<string>();
    for (const held of this.#held) if (held.isOpen) drivers.add(held.driver);
    // Programs for which nothing runs are asked from time to time: their functions are kept for as long as they are
    // there.
    const isTime = performance.now() - this.#lookedAtAll > ALL;
    if (isTime) {
      this.#lookedAtAll = performance.now();
      this.#gone.clear();
    }
    this.#drivers.look(drivers, isTime ? this.#preparing.drivers : []);
  }

  heldOf(driver: string): string[] {
    return [...this.#held].filter((held) => held.driver === driver && held.isSettled).map(({ id }) => id);
  }

  giveUp(ids: ReadonlySet<string>): void {
    for (const held of this.#held) if (ids.has(held.id)) held.giveUpAll(KILL_AFTER);
  }

  // Its tasks are asked to stop, and then ended.
  leaveDriver(driver: string): void {
    this.#offers.forget(driver);
    for (const held of this.#held) if (held.driver === driver) held.giveUpAll(KILL_AFTER);
    this.#preparing.forget(driver);
  }

  // The end.

  /**
   * Takes no more tasks, gives back those that no worker has begun, waits up to `grace` milliseconds for those that
   * run, ends the rest, and reports that the agent is leaving.
   */
  async leave(grace: number): Promise<void> {
    this.isLeaving = true;
    this.#intake.end();
    this.#tellNews();
    for (const held of this.#held) held.takeBackAll();
    await this.#whenIdle(grace);
    this.endedBy = this.#options.name;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise((resolve) => timer = setTimeout(resolve, LAST));
    await Promise.race([this.#preparing.terminate(), silence]);
    clearTimeout(timer);
    await this.#whenIdle(LAST);
    for (const timer of this.#timers) clearInterval(timer);
    this.#tellNews();
    await this.#engine.flush().catch(() => {});
    await this.#engine.close().catch(() => {});
  }

  async #whenIdle(timeout: number): Promise<void> {
    if (this.#held.size === 0) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      if (timeout !== Infinity) timer = setTimeout(resolve, timeout);
    });
    clearTimeout(timer);
    this.#onIdle = undefined;
  }
}
