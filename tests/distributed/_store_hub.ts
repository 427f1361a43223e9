/**
 * A store within one program that loses, repeats and delays on command: what a network and a server may do to named objects, again
 * and again and in no time. A client is frozen alone, or the store is away for all of them.
 */

import { addressOf } from "../../distributed/_address.ts";
import type { Taking } from "../../distributed/_engine.ts";
import { Line, lines } from "../../distributed/_line.ts";
import { TAKE_WAIT } from "../../distributed/_nats_store.ts";
import { EngineError } from "../../distributed/fleet_errors.ts";
import type { Entry, Item, ItemQueue, PutOutcome, Store } from "../../distributed/_store.ts";

/** How bad it is: probabilities, and milliseconds. */
export interface StoreFaults {
  /** A question does not arrive. */
  lose: number;
  /** It arrives, and its answer does not. */
  loseAnswer: number;
  /** A write is given up by its client, and made later. */
  late: number;
  /** A message to all is lost. */
  loseTell: number;
  /** It comes twice. */
  repeat: number;
  /** What a getter says of an item that it takes is lost, or the answer to that. */
  loseTake: number;
  /** Each way takes so long, at most. */
  delay: number;
}

/** All of it, but lost confirmations. */
export const BAD: StoreFaults = {
  lose: 0.05,
  loseAnswer: 0.08,
  late: 0.04,
  loseTell: 0.2,
  repeat: 0.1,
  loseTake: 0,
  delay: 4,
};
const NONE: StoreFaults = { lose: 0, loseAnswer: 0, late: 0, loseTell: 0, repeat: 0, loseTake: 0, delay: 0 };

/** How long a client waits in vain: milliseconds. */
const SILENCE = 10;
/** A getter may take an item for 0.8 of the time of the true store, and all but the last part of that has passed. */
const TAKE_LEFT = 2300;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Numbers from 0 to 1 that a seed decides. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Queued {
  bytes: Uint8Array;
  /** A getter has it until then. */
  until: number;
}

interface Queues {
  maxsize: number;
  isShut: boolean;
  readonly keys: Set<string>;
  readonly items: Queued[];
}

interface Taker {
  asked: number;
  readonly name: string;
  readonly store: HubStore;
  readonly hear: (item: Item) => void;
}

let clients = 0;

/** Where the objects of the programs of a test are kept. */
export class StoreHub {
  faults: StoreFaults = NONE;
  maxBytes = 1 << 20;
  /** Nothing connects. */
  isRefusing = false;
  /** Items cannot be had at once. */
  isSlow = false;
  /** What becomes of the next writes, one after the other. */
  fates: ("lose" | "loseAnswer" | "late" | undefined)[] = [];
  /** How often it was asked to write, and did. */
  written = 0;
  /** How many items were handed over. */
  handed = 0;
  readonly stores: HubStore[] = [];
  readonly entries: Map<string, Entry> = new Map();
  readonly queues: Map<string, Queues> = new Map();
  readonly takers: Set<Taker> = new Set();
  readonly listeners: Map<string, Set<{ hear: (bytes: Uint8Array) => void; store: HubStore }>> = new Map();
  #revisions = 0;
  readonly #written: Map<string, number> = new Map();

  /** How many milliseconds ago an entry was written. */
  ageOf(name: string): number | undefined {
    return this.entries.has(name) ? performance.now() - this.#written.get(name)! : undefined;
  }

  #isPumping = false;
  readonly random: () => number;

  constructor(random: () => number = Math.random) {
    this.random = random;
  }

  /** What objects of a client of its own are made with, and its connections so far, the last of which it uses. */
  client(): { connect: string; stores: HubStore[] } {
    const connect = `nats://hub-${++clients}`;
    const stores: HubStore[] = [];
    const line = new Line(() => {
      if (this.isRefusing) return Promise.reject(new EngineError("Cannot connect to hub"));
      const store = new HubStore(this);
      this.stores.push(store);
      stores.push(store);
      return Promise.resolve(store);
    });
    lines.set(JSON.stringify([addressOf(connect, "test"), "default"]), line);
    // Spread into options, it is no option.
    return Object.defineProperty({ connect }, "stores", { value: stores }) as { connect: string; stores: HubStore[] };
  }

  /** It is away for so long. */
  async away(ms: number): Promise<void> {
    const open = this.stores.filter(({ isClosed }) => !isClosed);
    for (const store of open) store.awaySince = performance.now();
    await sleep(ms);
    for (const store of open) store.comeBack();
  }

  happens(what: keyof Omit<StoreFaults, "delay">): boolean {
    return this.random() < this.faults[what];
  }

  async delay(): Promise<void> {
    if (this.faults.delay > 0) await sleep(this.random() * this.faults.delay);
  }

  write(name: string, bytes: Uint8Array, revision: number): number | undefined {
    if ((this.entries.get(name)?.revision ?? 0) !== revision) return undefined;
    this.written++;
    this.entries.set(name, { revision: ++this.#revisions, bytes: bytes.slice() });
    this.#written.set(name, performance.now());
    return this.#revisions;
  }

  tell(to: string, bytes: Uint8Array): void {
    for (const { hear, store } of this.listeners.get(to) ?? []) {
      if (this.happens("loseTell")) continue;
      for (let times = this.happens("repeat") ? 2 : 1; times > 0; times--) {
        void this.delay().then(() => store.whenThawed()).then(() => {
          if (store.isClosed || store.awaySince !== undefined) return;
          store.heard++;
          hear(bytes.slice());
        });
      }
    }
  }

  /** Hands items to the getters that have asked for them. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    setTimeout(() => {
      this.#isPumping = false;
      let isWaiting = false;
      for (const taker of [...this.takers]) {
        const { store, name } = taker;
        const queue = this.queues.get(name);
        if (store.isClosed) this.takers.delete(taker);
        while (taker.asked > 0 && !store.isClosed && store.awaySince === undefined && queue !== undefined) {
          const queued = queue.items.find(({ until }) => until < performance.now());
          if (queued === undefined) break;
          taker.asked--;
          const item = store.itemOf(queue, queued);
          void this.delay().then(() => store.whenThawed()).then(() => {
            if (this.takers.has(taker)) taker.hear(item);
            else item.giveBack();
          });
        }
        isWaiting ||= taker.asked > 0 && (queue?.items.length ?? 0) > 0;
      }
      // What was not taken in time is there again.
      if (isWaiting) this.pump();
    }, 2);
  }
}

/** A connection of one program. */
export class HubStore implements Store {
  readonly place = "hub";
  awaySince: number | undefined;
  backSince = performance.now();
  isClosed = false;
  /** How many listen, and ask for items. */
  subscriptions = 0;
  /** How many answers it has had, and messages. */
  answers = 0;
  heard = 0;
  readonly hub: StoreHub;
  readonly #back: Set<() => void> = new Set();
  #thawed: Promise<void> | undefined;
  #thaw: () => void = () => {};

  constructor(hub: StoreHub) {
    this.hub = hub;
  }

  get maxBytes(): number {
    return this.hub.maxBytes;
  }

  /** Nothing goes either way until it is thawed, and nothing is lost by that. */
  freeze(): void {
    this.#thawed ??= new Promise((resolve) => this.#thaw = resolve);
  }

  thaw(): void {
    this.#thawed = undefined;
    this.#thaw();
  }

  whenThawed(): Promise<void> | undefined {
    return this.#thawed;
  }

  comeBack(): void {
    this.awaySince = undefined;
    this.backSince = performance.now();
    for (const hear of this.#back) hear();
    this.hub.pump();
  }

  onBack(hear: () => void): () => void {
    this.#back.add(hear);
    return () => this.#back.delete(hear);
  }

  onGone(): void {}

  probe(): Promise<boolean> {
    return Promise.resolve(this.awaySince === undefined && !this.isClosed);
  }

  async restore(): Promise<void> {}

  async flush(): Promise<void> {}

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  #require(): void {
    if (this.awaySince !== undefined || this.isClosed) throw new Error("it is away");
  }

  // There and back.
  async #ask<T>(done: () => T, kind: "read" | "write" | "take" = "read"): Promise<T> {
    const { hub } = this;
    await this.whenThawed();
    this.#require();
    const fate = kind === "write" ? hub.fates.shift() : undefined;
    await hub.delay();
    const isLate = kind === "write" && (fate === "late" || hub.happens("late"));
    if (isLate) void sleep(hub.random() * 4 * SILENCE).then(done).catch(() => {});
    if (isLate || fate === "lose" || hub.happens(kind === "take" ? "loseTake" : "lose")) {
      await sleep(SILENCE);
      throw new Error("no answer");
    }
    this.#require();
    const answer = done();
    await hub.delay();
    await this.whenThawed();
    const isLost = fate === "loseAnswer" || hub.happens(kind === "take" ? "loseTake" : "loseAnswer");
    if (isLost || this.awaySince !== undefined) {
      await sleep(SILENCE);
      throw new Error("no answer");
    }
    this.answers++;
    return answer;
  }

  read(name: string): Promise<Entry | undefined> {
    return this.#ask(() => this.hub.entries.get(name));
  }

  ageOf(name: string): Promise<number | undefined> {
    return this.#ask(() => this.hub.ageOf(name));
  }

  write(name: string, bytes: Uint8Array, revision: number): Promise<number | undefined> {
    return this.#ask(() => this.hub.write(name, bytes, revision), "write");
  }

  async remove(name: string): Promise<void> {
    await this.#ask(() => this.hub.entries.delete(name));
  }

  tell(to: string, bytes: Uint8Array): void {
    void Promise.resolve(this.whenThawed()).then(() => {
      if (this.awaySince === undefined && !this.isClosed) this.hub.tell(to, bytes);
    });
  }

  listen(name: string, hear: (bytes: Uint8Array) => void): () => void {
    const listeners = this.hub.listeners.get(name) ?? new Set();
    this.hub.listeners.set(name, listeners);
    const listener = { hear, store: this };
    listeners.add(listener);
    this.subscriptions++;
    return () => {
      if (listeners.delete(listener)) this.subscriptions--;
    };
  }

  itemOf({ items }: Queues, queued: Queued): Item {
    const { hub } = this;
    hub.handed++;
    const now = performance.now();
    const until = queued.until = now + TAKE_LEFT;
    return {
      bytes: queued.bytes,
      since: now - (TAKE_WAIT - TAKE_LEFT),
      take: () =>
        this.#ask(() => {
          const index = items.indexOf(queued);
          if (index >= 0) items.splice(index, 1);
        }, "take"),
      giveBack: () => {
        if (queued.until === until) queued.until = 0;
        hub.pump();
      },
    };
  }

  queue(name: string): ItemQueue {
    const { hub } = this;
    const there = (): Queues => {
      const queue = hub.queues.get(name);
      if (queue === undefined) throw new Error("there is no such queue");
      return queue;
    };
    const free = ({ items }: Queues): Queued | undefined => items.find(({ until }) => until < performance.now());
    return {
      open: (maxsize) =>
        this.#ask(() => {
          const queue = hub.queues.get(name) ?? { maxsize, isShut: false, keys: new Set(), items: [] };
          hub.queues.set(name, queue);
          return queue.maxsize;
        }),
      put: (bytes, key) =>
        this.#ask((): PutOutcome => {
          const { keys, isShut, maxsize, items } = there();
          if (keys.has(key)) return "put";
          if (isShut) return "shut";
          if (maxsize > 0 && items.length >= maxsize) return "full";
          keys.add(key);
          items.push({ bytes: bytes.slice(), until: 0 });
          hub.pump();
          return "put";
        }, "write"),
      itemNow: (wait) =>
        this.#ask(() => {
          const queue = there();
          // What was just put cannot be had at once.
          const queued = wait === 0 && hub.isSlow ? undefined : free(queue);
          return queued && this.itemOf(queue, queued);
        }),
      items: (hear): Taking => {
        const taker: Taker = { asked: 0, name, store: this, hear };
        hub.takers.add(taker);
        this.subscriptions++;
        return {
          ask: (count) => {
            taker.asked += Math.max(0, count);
            hub.pump();
          },
          stop: () => {
            if (hub.takers.delete(taker)) this.subscriptions--;
          },
        };
      },
      state: () => this.#ask(() => ({ size: there().items.length, isShut: there().isShut })),
      shut: async (immediate) => {
        await this.#ask(() => {
          const queue = there();
          queue.isShut = true;
          if (immediate) queue.items.length = 0;
        });
      },
      remove: async () => void await this.#ask(() => hub.queues.delete(name)),
    };
  }
}

/** Runs a test over a store of a random seed, which the error names. */
export async function seeded(run: (hub: StoreHub, random: () => number) => Promise<void>): Promise<void> {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const hub = new StoreHub(randomOf(seed));
  try {
    await run(hub, randomOf(seed + 1));
  } catch (error) {
    throw new Error(`With seed ${seed}: ${(error as Error).message}`, { cause: error });
  }
}
