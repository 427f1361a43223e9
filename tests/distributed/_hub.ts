/**
 * An engine within one program that loses, repeats, delays and reorders messages on command: what a network and a server
 * may do, again and again and in no time.
 */

import { type Delivery, type Engine, NotListeningError, type Taking } from "../../distributed/_engine.ts";

/** How bad it is: probabilities. */
export interface Faults {
  /** A question, answer or message is lost. */
  lose: number;
  /** It comes twice. */
  repeat: number;
  /** It comes so many milliseconds later, at most. */
  delay: number;
  /** A task that was put into the queue is not there, although the queue has said so. */
  forget: number;
}

type Reply = (bytes: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>;

interface Queued {
  place: number;
  driver: string;
  bytes: Uint8Array;
  /** An agent has it until then. */
  until: number;
}

/** How long an agent may have a task without reporting it as done: milliseconds. */
const ACK_WAIT = 200;
/** The same for an agent that reports that it is not done yet. */
const KEPT = 2000;

/** Carries messages between the drivers and agents of one program. */
export class Hub {
  faults: Faults = { lose: 0, repeat: 0, delay: 0, forget: 0 };
  maxBytes = 1 << 20;
  readonly #random: () => number;
  readonly #queue: Queued[] = [];
  readonly #answers: Map<string, Set<{ reply: Reply; engine: HubEngine }>> = new Map();
  readonly #takers: Set<{ asked: number; hear: (delivery: Delivery) => void; engine: HubEngine }> = new Set();
  #places = 0;
  /** How many messages with tasks were put into the queue, and how many were offered to agents. */
  puts = 0;
  offers = 0;
  #pumping = false;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** How many tasks the queue has. */
  get queued(): number {
    return this.#queue.length;
  }

  connect(): HubEngine {
    return new HubEngine(this);
  }

  /** Loses all that the queue has. */
  empty(): void {
    this.#queue.length = 0;
  }

  put(driver: string, bytes: Uint8Array): number {
    const place = ++this.#places;
    this.puts++;
    if (!this.#happens("forget")) this.#queue.push({ place, driver, bytes: bytes.slice(), until: 0 });
    this.#pump();
    return place;
  }

  has(place: number): boolean {
    return this.#queue.some((each) => each.place === place);
  }

  remove(place: number): void {
    const index = this.#queue.findIndex((each) => each.place === place);
    if (index >= 0) this.#queue.splice(index, 1);
  }

  take(engine: HubEngine, hear: (delivery: Delivery) => void): Taking {
    const taker = { asked: 0, hear, engine };
    this.#takers.add(taker);
    return {
      ask: (count) => {
        taker.asked += count;
        this.#pump();
      },
      stop: () => void this.#takers.delete(taker),
    };
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setTimeout(() => {
      this.#pumping = false;
      for (const taker of this.#takers) {
        if (taker.engine.isClosed) this.#takers.delete(taker);
        while (taker.asked > 0 && !taker.engine.isFrozen) {
          const task = this.#queue.find(({ until }) => until < performance.now());
          if (task === undefined) break;
          taker.asked--;
          task.until = performance.now() + ACK_WAIT;
          const delivery: Delivery = {
            bytes: task.bytes,
            done: () => this.#happens("lose") || this.remove(task.place),
            keep: () => {
              task.until = performance.now() + KEPT;
            },
            giveBack: () => {
              task.until = 0;
              this.#pump();
            },
          };
          taker.hear(delivery);
          // To the same agent, or to another.
          if (this.#happens("repeat")) task.until = performance.now() + this.#random() * 20;
        }
      }
      if (this.#queue.length > 0) this.#pump();
    }, 2);
  }

  answer(name: string, reply: Reply, engine: HubEngine): void {
    const known = this.#answers.get(name) ?? new Set();
    this.#answers.set(name, known);
    known.add({ reply, engine });
  }

  async request(to: string, bytes: Uint8Array, timeout: number): Promise<Uint8Array> {
    const listeners = [...this.#answers.get(to) ?? []].filter(({ engine }) => !engine.isClosed);
    if (listeners.length === 0) throw new NotListeningError(to);
    if (to.endsWith(".offer")) this.offers++;
    const [{ reply, engine }] = listeners;
    await this.#delay();
    const silence = async (): Promise<never> => {
      await new Promise((resolve) => setTimeout(resolve, Math.min(timeout, 30)));
      throw new Error("silence");
    };
    if (this.#happens("lose")) return await silence();
    if (this.#happens("repeat")) void Promise.resolve(reply(bytes.slice())).catch(() => {});
    for (const until = performance.now() + timeout; engine.isFrozen && !engine.isClosed;) {
      if (performance.now() > until) throw new Error("silence");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    if (engine.isClosed) return await silence();
    const answer = await reply(bytes.slice());
    await this.#delay();
    // The other side has heard it, and the answer does not arrive.
    if (answer === undefined || this.#happens("lose")) return await silence();
    return answer.slice();
  }

  tell(to: string, bytes: Uint8Array): void {
    if (this.#happens("lose")) return;
    for (const { reply, engine } of this.#answers.get(to) ?? []) {
      if (!engine.isClosed) void this.#delay().then(() => engine.isClosed || reply(bytes.slice()));
    }
  }

  async #delay(): Promise<void> {
    const { delay } = this.faults;
    await (delay === 0 ? undefined : new Promise((resolve) => setTimeout(resolve, this.#random() * delay)));
  }

  #happens(what: "lose" | "repeat" | "forget"): boolean {
    return this.#random() < this.faults[what];
  }
}

/** A connection of one driver or agent. */
export class HubEngine implements Engine {
  readonly place = "hub";
  awaySince: number | undefined;
  backSince = 0;
  isClosed = false;
  /** Nothing is heard or answered meanwhile. */
  isFrozen = false;
  readonly #hub: Hub;
  readonly #back: Set<() => void> = new Set();

  constructor(hub: Hub) {
    this.#hub = hub;
  }

  get maxBytes(): number {
    return this.#hub.maxBytes;
  }

  onBack(hear: () => void): () => void {
    this.#back.add(hear);
    return () => this.#back.delete(hear);
  }

  onGone(): void {}

  /** The connection is cut, and there again after so many milliseconds. */
  async cut(ms: number): Promise<void> {
    this.awaySince = performance.now();
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.awaySince = undefined;
    this.backSince = performance.now();
    for (const hear of this.#back) hear();
  }

  #require(): void {
    if (this.awaySince !== undefined || this.isClosed) throw new Error("cut");
  }

  probe(): Promise<boolean> {
    return Promise.resolve(this.awaySince === undefined && !this.isClosed);
  }

  async restore(): Promise<void> {}

  // deno-lint-ignore require-await
  async putTask(driver: string, bytes: Uint8Array): Promise<number> {
    this.#require();
    return this.#hub.put(driver, bytes);
  }

  // deno-lint-ignore require-await
  async hasTask(place: number): Promise<boolean> {
    this.#require();
    return this.#hub.has(place);
  }

  // deno-lint-ignore require-await
  async removeTask(place: number): Promise<void> {
    this.#hub.remove(place);
  }

  takeTasks(hear: (delivery: Delivery) => void): Taking {
    return this.#hub.take(this, hear);
  }

  async request(to: string, bytes: Uint8Array, timeout: number): Promise<Uint8Array> {
    while (this.isFrozen && !this.isClosed) await new Promise((resolve) => setTimeout(resolve, 5));
    this.#require();
    return await this.#hub.request(to, bytes, timeout);
  }

  tell(to: string, bytes: Uint8Array): void {
    if (this.awaySince === undefined && !this.isClosed) this.#hub.tell(to, bytes);
  }

  answer(name: string, reply: Reply): void {
    this.#hub.answer(name, reply, this);
  }

  async flush(): Promise<void> {}

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.isClosed = true;
  }
}
