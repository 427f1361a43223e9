/**
 * A connection to a NATS server: whether the server answers, and messages to names. The subject of a name is
 * `weft.FLEET.NAME`.
 *
 * @module
 */

import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { type Answering, type Link, NotListeningError } from "./_engine.ts";
import { AGAIN } from "./_nats_connect.ts";
import { EngineError } from "./fleet_errors.ts";

// Times in milliseconds.
/** How long the server may take to answer. */
export const PATIENCE = 2000;
/** An answer counts as delayed if it takes this much longer than three times the quickest. */
const SLOW = 200;
/** How long sending the last messages may take. */
const LAST = 1000;
/** The shortest time between two attempts to create what the fleet needs on the server. */
const RESTORE = 1000;
/** Room for what surrounds the bytes of a message; and the least payload that a server must allow in addition. */
const AROUND = 1 << 12;
const LEAST = 1 << 16;

/** A connection to a server, for one fleet. */
export abstract class NatsLink implements Link {
  readonly place: string;
  awaySince: number | undefined;
  // The server counts as having been there all along: an agent can only be known if it has reached the server.
  backSince = -Infinity;
  isClosed = false;
  protected readonly connection: NatsConnection;
  readonly #fleet: string;
  readonly #back: Set<() => void> = new Set();
  readonly #gone: ((error: Error) => void)[] = [];
  #maxPayload = 1 << 20;
  #isProbing: Promise<boolean> | undefined;
  #isDisconnected = false;
  /** The shortest time in which the server has answered: milliseconds. */
  #quickest = 0;
  #restored = 0;

  constructor(connection: NatsConnection, fleet: string, place: string) {
    this.connection = connection;
    this.#fleet = fleet;
    this.place = place;
  }

  /** Creates what is needed on the server if it does not exist. */
  protected abstract make(): Promise<void>;

  get maxBytes(): number {
    // Unknown while the client reconnects: then the last value counts.
    this.#maxPayload = this.connection.info?.max_payload ?? this.#maxPayload;
    // Headers need room too.
    return this.#maxPayload - AROUND;
  }

  async begin(): Promise<void> {
    if (this.maxBytes < LEAST) {
      throw new Error(`its 'max_payload' is ${this.#maxPayload} bytes, and at least ${LEAST + AROUND} are needed`);
    }
    const asked = performance.now();
    // If the connection has just ended, `make` fails with the reason.
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

  // A server that was restarted may have lost its queue.
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
    // The server stood still until just now, or no message reached it. Others could not report meanwhile, so their
    // silence does not count.
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
      const isUnheard = (error as { isNoResponders?: () => boolean }).isNoResponders?.() === true ||
        (error as Error).name === "NoRespondersError";
      if (isUnheard) throw new NotListeningError(`Nothing listens to ${to}`);
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

// A frozen server answers nothing. Closing must not wait for it.
async function within(ms: number, last: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  await Promise.race([last.catch(() => {}), new Promise((resolve) => timer = setTimeout(resolve, ms))]);
  clearTimeout(timer);
}

// No error may reach the client, which would stop delivering messages. A message that cannot be read or answered is
// dropped.
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

// The client returns Node's `Buffer`, whose slice() does not copy.
export function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}
