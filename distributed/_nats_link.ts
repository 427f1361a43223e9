/**
 * A connection to a server of NATS: whether it is there, and messages to names. The subject of a name is `weft.FLEET.NAME`.
 *
 * @module
 */

import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { type Answering, type Link, NobodyError } from "./_engine.ts";
import { AGAIN } from "./_nats_connect.ts";
import { EngineError } from "./fleet_errors.ts";

// Times in milliseconds.
/** How long the server may take to answer. */
export const PATIENCE = 2000;
/** An answer of the server that takes so much longer than three of the quickest has been held up. */
const SLOW = 200;
/** How long the last messages may take. */
const LAST = 1000;
/** How often it is looked whether what the fleet needs is there, where it cannot be used. */
const RESTORE = 1000;
/** What a message has around its bytes; and the least that a server must let through besides. */
const AROUND = 1 << 12;
const LEAST = 1 << 16;

/** A connection to a server, for one fleet. */
export abstract class NatsLink implements Link {
  readonly place: string;
  awaySince: number | undefined;
  // As if it had been there always: agents that are known have come to a server that was.
  backSince = -Infinity;
  isClosed = false;
  protected readonly connection: NatsConnection;
  readonly #fleet: string;
  readonly #back: Set<() => void> = new Set();
  readonly #gone: ((error: Error) => void)[] = [];
  #maxPayload = 1 << 20;
  #isProbing: Promise<boolean> | undefined;
  #isDisconnected = false;
  /** The least time that the server has taken to answer: milliseconds. */
  #quickest = 0;
  #restored = 0;

  constructor(connection: NatsConnection, fleet: string, place: string) {
    this.connection = connection;
    this.#fleet = fleet;
    this.place = place;
  }

  /** Makes what is needed on the server where it is not there. */
  protected abstract make(): Promise<void>;

  get maxBytes(): number {
    // Not known while the connection is made anew.
    this.#maxPayload = this.connection.info?.max_payload ?? this.#maxPayload;
    // What stands around the bytes has room as well.
    return this.#maxPayload - AROUND;
  }

  async begin(): Promise<void> {
    if (this.maxBytes < LEAST) {
      throw new Error(`its 'max_payload' is ${this.#maxPayload} bytes, and ${LEAST + AROUND} are needed at least`);
    }
    const asked = performance.now();
    // Where the connection has just ended, what follows says so.
    await this.connection.flush().catch(() => {});
    this.#quickest = performance.now() - asked;
    await this.make();
    void this.#watch();
    void this.connection.closed().then((error) => {
      if (this.isClosed) return;
      const failure = new EngineError(
        `Cannot go on as ${this.place} has ended the connection${error instanceof Error ? `: ${error.message}` : ""}`,
        { cause: error },
      );
      for (const hear of this.#gone) hear(failure);
    });
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (type === "disconnect") {
        this.#isDisconnected = true;
        this.awaySince ??= performance.now();
      } else if (type === "reconnect") void this.#comeBack();
    }
  }

  // A server that was started anew may have lost its queue.
  async #comeBack(): Promise<void> {
    while (!this.isClosed && !this.connection.isClosed()) {
      try {
        await this.make();
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
      }
    }
    this.#isDisconnected = false;
    this.#beBack();
    for (const hear of this.#back) hear();
  }

  #beBack(): void {
    if (this.awaySince === undefined) return;
    this.awaySince = undefined;
    this.backSince = performance.now();
  }

  probe(): Promise<boolean> {
    return this.#isProbing ??= this.#probe().finally(() => this.#isProbing = undefined);
  }

  async #probe(): Promise<boolean> {
    if (this.#isDisconnected || this.connection.isClosed()) return false;
    const asked = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), PATIENCE));
    const isThere = await Promise.race([this.connection.flush().then(() => true, () => false), silence]);
    clearTimeout(timer);
    // Until just now it stood still, or nothing got there: what others could not say meanwhile is not held against them.
    const took = performance.now() - asked;
    if (isThere && took > SLOW + 3 * this.#quickest) this.backSince = performance.now();
    if (isThere) this.#quickest = Math.min(this.#quickest, took);
    if (!isThere) this.awaySince ??= asked;
    else if (!this.#isDisconnected) this.#beBack();
    return isThere;
  }

  async restore(): Promise<void> {
    const time = performance.now();
    if (this.#isDisconnected || time - this.#restored < RESTORE) return;
    this.#restored = time;
    await this.make().catch(() => {});
  }

  protected subject(name: string): string {
    return `weft.${this.#fleet}.${name}`;
  }

  onBack(hear: () => void): () => void {
    this.#back.add(hear);
    return () => this.#back.delete(hear);
  }

  onGone(hear: (error: Error) => void): void {
    this.#gone.push(hear);
  }

  async request(to: string, bytes: Uint8Array, timeout: number): Promise<Uint8Array> {
    try {
      return plain((await this.connection.request(this.subject(to), bytes, { timeout })).data);
    } catch (error) {
      const isNobody = (error as { isNoResponders?: () => boolean }).isNoResponders?.() === true ||
        (error as Error).name === "NoRespondersError";
      if (isNobody) throw new NobodyError(`There is no ${to}`);
      throw error;
    }
  }

  tell(to: string, bytes: Uint8Array): void {
    if (!this.connection.isClosed()) this.connection.publish(this.subject(to), bytes);
  }

  answer(name: string, reply: Answering): void {
    this.listen(name, reply);
  }

  listen(name: string, reply: Answering): () => void {
    const subscription = this.connection.subscribe(this.subject(name), {
      callback: (error, message) => void (error ?? respond(message, reply)),
    });
    return () => subscription.unsubscribe();
  }

  async flush(): Promise<void> {
    await within(LAST, this.connection.flush());
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await within(LAST, this.connection.close());
  }
}

// A server that stands still answers nothing, and nothing is to wait for it at the end.
async function within(ms: number, last: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([last.catch(() => {}), new Promise((resolve) => timer = setTimeout(resolve, ms))]);
  clearTimeout(timer);
}

// Nothing that is thrown here may get to the client, which would hear of nothing any more: a message that cannot be read, or
// answered, is none.
async function respond(
  message: Msg,
  reply: Answering,
): Promise<void> {
  try {
    const bytes = await reply(plain(message.data));
    if (bytes !== undefined && message.reply) message.respond(bytes);
  } catch (error) {
    console.error(`Cannot answer a message to ${message.subject}:`, error);
  }
}

// The client has Node's `Buffer`, whose slice() is no copy.
export function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
