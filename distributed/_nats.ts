/**
 * The engine on NATS: tasks in a work queue of JetStream, all else in messages. Subjects are `weft.FLEET.…`, the stream is
 * `WEFT_FLEET` and its consumer `agents`, as tools of NATS show them.
 *
 * @module
 */

import {
  AckPolicy,
  DiscardPolicy,
  jetstream,
  JetStreamApiError,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from "@nats-io/jetstream";
import {
  connect,
  credsAuthenticator,
  type Msg,
  type NatsConnection,
  nkeyAuthenticator,
  type Subscription,
} from "@nats-io/transport-node";
import type { Address } from "./_address.ts";
import { type Delivery, type Engine, NobodyError, QueueFullError, type Taking } from "./_engine.ts";
import { EngineError } from "./fleet_errors.ts";

// Times in milliseconds.
/** How long the server may take to answer. */
const PATIENCE = 2000;
/** How often a connection is tried again. */
const AGAIN = 100;
/** How long the last messages may take. */
const LAST = 1000;
/** How long a question for tasks is open before it is asked again. */
const OPEN = 30_000;
/** How long the engine waits for an agent that has a task to say that it is done with it. */
const ACK_WAIT = 5000;
/** The server's reasons: there are as many messages as the queue may have; the queue or its consumer is there already. */
const FULL = 10077;
const IN_USE = [10058, 10148, 10013];
const NS = 1e6;
const MOST_WAITING = 100_000;
/** How often it is looked whether the queue is there, where tasks cannot be put into it. */
const RESTORE = 1000;
/** What a message has around its bytes; and the least that a server must let through besides. */
const AROUND = 1 << 12;
const LEAST = 1 << 16;

/** Connects to a server, and makes the fleet's queue where it is not there. */
export async function connectNats(address: Address, fleet: string, timeout: number): Promise<Engine> {
  let connection: NatsConnection;
  try {
    connection = await connect({
      servers: [...address.servers],
      name: `weft ${fleet}`,
      user: address.user,
      pass: address.pass,
      token: address.token,
      tls: address.tls,
      authenticator: authenticatorOf(address),
      timeout,
      maxReconnectAttempts: -1,
      reconnectTimeWait: AGAIN,
      reconnectJitter: AGAIN,
      // A server that is frozen is noticed by what it does not answer, and not by this.
      pingInterval: 20_000,
    });
  } catch (error) {
    throw new EngineError(`Cannot connect to ${address.shown}: ${(error as Error).message}`, { cause: error });
  }
  const engine = new NatsEngine(connection, fleet, address.shown);
  try {
    await engine.begin();
  } catch (error) {
    await connection.close();
    throw new EngineError(
      `Cannot use ${address.shown} as its queue cannot be made: ${
        (error as Error).message
      }. The server needs JetStream: start it with -js`,
      { cause: error },
    );
  }
  return engine;
}

function authenticatorOf({ nkey, creds }: Address): ReturnType<typeof nkeyAuthenticator> | undefined {
  const encoder = new TextEncoder();
  if (creds !== undefined) return credsAuthenticator(encoder.encode(creds)) as ReturnType<typeof nkeyAuthenticator>;
  return nkey === undefined ? undefined : nkeyAuthenticator(encoder.encode(nkey));
}

class NatsEngine implements Engine {
  readonly place: string;
  awaySince: number | undefined;
  backSince = performance.now();
  isClosed = false;
  readonly #connection: NatsConnection;
  readonly #fleet: string;
  readonly #stream: string;
  readonly #queue: JetStreamClient;
  #manager!: JetStreamManager;
  readonly #back: (() => void)[] = [];
  readonly #gone: ((error: Error) => void)[] = [];
  #maxPayload = 1 << 20;
  #isProbing: Promise<boolean> | undefined;
  #isDisconnected = false;
  #restored = 0;

  constructor(connection: NatsConnection, fleet: string, place: string) {
    this.#connection = connection;
    this.#fleet = fleet;
    this.#stream = `WEFT_${fleet}`;
    this.#queue = jetstream(connection, { timeout: PATIENCE });
    this.place = place;
  }

  get maxBytes(): number {
    // Not known while the connection is made anew.
    this.#maxPayload = this.#connection.info?.max_payload ?? this.#maxPayload;
    // What stands around the bytes has room as well.
    return this.#maxPayload - AROUND;
  }

  async begin(): Promise<void> {
    if (this.maxBytes < LEAST) {
      throw new Error(`its 'max_payload' is ${this.#maxPayload} bytes, and ${LEAST + AROUND} are needed at least`);
    }
    this.#manager = await jetstreamManager(this.#connection, { timeout: PATIENCE, checkAPI: false });
    await this.#makeQueue();
    void this.#watch();
    void this.#connection.closed().then((error) => {
      if (this.isClosed) return;
      const failure = new EngineError(
        `Cannot go on as ${this.place} has ended the connection${error instanceof Error ? `: ${error.message}` : ""}`,
        { cause: error },
      );
      for (const hear of this.#gone) hear(failure);
    });
  }

  async #watch(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === "disconnect") {
        this.#isDisconnected = true;
        this.awaySince ??= performance.now();
      } else if (type === "reconnect") void this.#comeBack();
    }
  }

  // A server that was started anew may have lost its queue.
  async #comeBack(): Promise<void> {
    while (!this.isClosed && !this.#connection.isClosed()) {
      try {
        await this.#makeQueue();
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
    if (this.#isDisconnected || this.#connection.isClosed()) return false;
    const asked = performance.now();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), PATIENCE));
    const isThere = await Promise.race([this.#connection.flush().then(() => true, () => false), silence]);
    clearTimeout(timer);
    if (!isThere) this.awaySince ??= asked;
    else if (!this.#isDisconnected) this.#beBack();
    return isThere;
  }

  async restore(): Promise<void> {
    const time = performance.now();
    if (this.#isDisconnected || time - this.#restored < RESTORE) return;
    this.#restored = time;
    await this.#makeQueue().catch(() => {});
  }

  async #makeQueue(): Promise<void> {
    await unlessThere(this.#manager.streams.add({
      name: this.#stream,
      subjects: [this.#subject("task.>")],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.Memory,
      discard: DiscardPolicy.New,
      max_msgs: MOST_WAITING,
    }));
    await unlessThere(this.#manager.consumers.add(this.#stream, {
      durable_name: "agents",
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT * NS,
      max_ack_pending: MOST_WAITING,
      max_waiting: 10_000,
    }));
  }

  #subject(name: string): string {
    return `weft.${this.#fleet}.${name}`;
  }

  onBack(hear: () => void): void {
    this.#back.push(hear);
  }

  onGone(hear: (error: Error) => void): void {
    this.#gone.push(hear);
  }

  async putTask(driver: string, bytes: Uint8Array, key: string): Promise<number> {
    try {
      const { seq } = await this.#queue.publish(this.#subject(`task.${driver}`), bytes, {
        msgID: key,
        timeout: PATIENCE,
        retries: 1,
      });
      return seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === FULL) throw new QueueFullError(error.message);
      throw error;
    }
  }

  async hasTask(place: number, key: string): Promise<boolean> {
    try {
      const message = await this.#manager.streams.getMessage(this.#stream, { seq: place });
      // A queue that was made anew counts from 1 again.
      return message?.header.get("Nats-Msg-Id") === key;
    } catch (error) {
      if (error instanceof JetStreamApiError) return false;
      throw error;
    }
  }

  async removeTask(place: number): Promise<void> {
    await this.#manager.streams.deleteMessage(this.#stream, place, false).catch(() => {});
  }

  takeTasks(hear: (delivery: Delivery) => void): Taking {
    return new Questions(this.#connection, this, this.#stream, hear);
  }

  async request(to: string, bytes: Uint8Array, timeout: number): Promise<Uint8Array> {
    try {
      return plain((await this.#connection.request(this.#subject(to), bytes, { timeout })).data);
    } catch (error) {
      const isNobody = (error as { isNoResponders?: () => boolean }).isNoResponders?.() === true ||
        (error as Error).name === "NoRespondersError";
      if (isNobody) throw new NobodyError(`There is no ${to}`);
      throw error;
    }
  }

  tell(to: string, bytes: Uint8Array): void {
    if (!this.#connection.isClosed()) this.#connection.publish(this.#subject(to), bytes);
  }

  answer(name: string, reply: (bytes: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>): void {
    this.#connection.subscribe(this.#subject(name), {
      callback: (error, message) => void (error ?? respond(message, reply)),
    });
  }

  async flush(): Promise<void> {
    await within(LAST, this.#connection.flush());
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await within(LAST, this.#connection.close());
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
  reply: (bytes: Uint8Array) => Uint8Array | undefined | Promise<Uint8Array | undefined>,
): Promise<void> {
  try {
    const bytes = await reply(plain(message.data));
    if (bytes !== undefined && message.reply) message.respond(bytes);
  } catch (error) {
    console.error(`Cannot answer a message to ${message.subject}:`, error);
  }
}

/**
 * Asks for tasks, some at a time, and counts what is missing of each question: the server may answer it with fewer, or forget it. Each
 * has a name of its own for the answers, so that none is counted twice, also where the connection was made anew.
 */
class Questions implements Taking {
  readonly #connection: NatsConnection;
  readonly #engine: Engine;
  readonly #stream: string;
  readonly #hear: (delivery: Delivery) => void;
  /** Deliveries that are missing, by the numbers of the questions. */
  readonly #missing: Map<number, number> = new Map();
  #questions = 0;
  #inbox = "";
  #subscription: Subscription | undefined;
  #isStopped = false;
  #heard = performance.now();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(connection: NatsConnection, engine: Engine, stream: string, hear: (delivery: Delivery) => void) {
    this.#connection = connection;
    this.#engine = engine;
    this.#stream = stream;
    this.#hear = hear;
    this.#listen();
    engine.onBack(() => this.#askAnew());
    // A question that the server has forgotten is never answered.
    this.#timer = setInterval(() => {
      if (engine.isClosed) clearInterval(this.#timer);
      else if (this.#missing.size > 0 && performance.now() - this.#heard > 2 * OPEN) this.#askAnew();
    }, OPEN);
  }

  ask(count: number): void {
    if (count <= 0 || this.#isStopped || this.#connection.isClosed()) return;
    this.#heard = performance.now();
    const number = ++this.#questions;
    this.#missing.set(number, count);
    const question = JSON.stringify({ batch: count, expires: OPEN * NS });
    const reply = `${this.#inbox}.${number}`;
    this.#connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.agents`, question, { reply });
  }

  /** What is on its way comes until the connection ends, and is given back. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  #listen(): void {
    const inbox = this.#inbox = `_INBOX.weft.${crypto.randomUUID().replaceAll("-", "")}`;
    this.#subscription = this.#connection.subscribe(`${inbox}.*`, {
      callback: (error, message) => {
        if (error === null) this.#take(message, Number(message.subject.slice(inbox.length + 1)));
      },
    });
  }

  // Answers to what was asked before go nowhere from here on, and the server knows that nothing listens there.
  #askAnew(): void {
    if (this.#isStopped || this.#connection.isClosed()) return;
    let missing = 0;
    for (const count of this.#missing.values()) missing += count;
    this.#missing.clear();
    this.#subscription?.unsubscribe();
    this.#listen();
    this.ask(missing);
  }

  #take(message: Msg, number: number): void {
    try {
      this.#heard = performance.now();
      const code = message.headers?.code ?? 0;
      if (code === 100) return;
      const missing = this.#missing.get(number) ?? 0;
      if (code !== 0) {
        this.#missing.delete(number);
        if (missing > 0) void this.#askAgain(code, missing);
        return;
      }
      if (missing > 1) this.#missing.set(number, missing - 1);
      else this.#missing.delete(number);
      if (this.#isStopped) message.respond("-NAK");
      else this.#hear(deliveryOf(message));
    } catch (error) {
      console.error("Cannot take a task:", error);
    }
  }

  // The question is over: in time, or since the queue is gone or full of questions.
  async #askAgain(code: number, missing: number): Promise<void> {
    if (code !== 408 && code !== 404) {
      await this.#engine.restore();
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
    this.ask(missing);
  }
}

// The client has Node's `Buffer`, whose slice() is no copy.
function plain({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

function deliveryOf(message: Msg): Delivery {
  return {
    bytes: plain(message.data),
    done: () => void message.respond("+ACK"),
    giveBack: () => void message.respond("-NAK"),
  };
}

async function unlessThere(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (!(error instanceof JetStreamApiError && IN_USE.includes(error.code))) throw error;
  }
}
