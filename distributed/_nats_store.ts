/**
 * The store on NATS. Entries are the last messages of subjects in the stream `WEFT_FLEET_objects`. Each queue of items
 * is its own stream, `WEFT_FLEET_queue_NAME`. All are kept in files, so they outlive the server's process.
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
import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Address } from "./_address.ts";
import type { Taking } from "./_engine.ts";
import { begun, FULL, unlessThere } from "./_nats.ts";
import { connectTo } from "./_nats_connect.ts";
import { NatsLink, PATIENCE, plain } from "./_nats_link.ts";
import { NS, Questions } from "./_nats_questions.ts";
import type { Entry, Item, ItemQueue, PutOutcome, Store } from "./_store.ts";

/**
 * Error codes of the server: another message was written under the subject; the message is too large; there is no such
 * stream.
 */
const OTHER_REVISION = [10071, 10164];
const TOO_LARGE = 10054;
const NO_STREAM = 10059;
/**
 * The largest item of a queue that is shut down, in bytes: every item is larger. The server checks the limit with each
 * message, so no item gets in after the queue was shut down.
 */
const SHUT = 1;
/** How long the server waits until a getter confirms an item: milliseconds. Then another getter gets it. */
export const TAKE_WAIT = 10_000;

/** Connects to a server, and creates the fleet's store if it does not exist. */
export async function connectNatsStore(address: Address, fleet: string, timeout: number): Promise<Store> {
  const connection = await connectTo(address, fleet, timeout);
  return await begun(new NatsStore(connection, fleet, address.shown), connection);
}

class NatsStore extends NatsLink implements Store {
  readonly #stream: string;
  readonly #writer: JetStreamClient;
  #manager: JetStreamManager | undefined;

  constructor(connection: NatsConnection, fleet: string, place: string) {
    super(connection, fleet, place);
    this.#stream = `WEFT_${fleet}_objects`;
    this.#writer = jetstream(connection, { timeout: PATIENCE });
  }

  protected async make(): Promise<void> {
    const manager = this.#manager ??= await jetstreamManager(this.connection, { timeout: PATIENCE, checkAPI: false });
    await unlessThere(manager.streams.add({
      name: this.#stream,
      subjects: [this.subject("object.>")],
      retention: RetentionPolicy.Limits,
      storage: StorageType.File,
      max_msgs_per_subject: 1,
    }));
  }

  async read(name: string): Promise<Entry | undefined> {
    const last_by_subj = this.subject(`object.${name}`);
    // Not by direct access: another server of a cluster may answer it that has not seen the latest write.
    let message;
    try {
      message = await this.#manager!.streams.getMessage(this.#stream, { last_by_subj });
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === NO_STREAM) await this.restore();
      throw error;
    }
    return message === null ? undefined : { revision: message.seq, bytes: plain(message.data) };
  }

  async ageOf(name: string): Promise<number | undefined> {
    const { streams } = this.#manager!;
    const message = await streams.getMessage(this.#stream, { last_by_subj: this.subject(`object.${name}`) });
    // Servers before 2.10 do not report their time.
    const { ts } = await streams.info(this.#stream) as { ts?: string };
    return message === null || ts === undefined ? undefined : Date.parse(ts) - message.time.getTime();
  }

  async write(name: string, bytes: Uint8Array, revision: number): Promise<number | undefined> {
    try {
      const { seq } = await this.#writer.publish(this.subject(`object.${name}`), bytes, {
        expect: { lastSubjectSequence: revision },
        timeout: PATIENCE,
        retries: 1,
      });
      return seq;
    } catch (error) {
      if (error instanceof JetStreamApiError && OTHER_REVISION.includes(error.code)) return undefined;
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#manager!.streams.purge(this.#stream, { filter: this.subject(`object.${name}`) });
  }

  queue(name: string): ItemQueue {
    const stream = `${this.#stream.slice(0, -"objects".length)}queue_${name}`;
    return new NatsQueue(this, this.connection, stream, this.subject(`item.${name}`), () => this.#manager!);
  }
}

class NatsQueue implements ItemQueue {
  readonly #store: Store;
  readonly #connection: NatsConnection;
  readonly #stream: string;
  readonly #subject: string;
  readonly #writer: JetStreamClient;
  readonly #manager: () => JetStreamManager;

  constructor(
    store: Store,
    connection: NatsConnection,
    stream: string,
    subject: string,
    manager: () => JetStreamManager,
  ) {
    this.#store = store;
    this.#connection = connection;
    this.#stream = stream;
    this.#subject = subject;
    this.#writer = jetstream(connection, { timeout: PATIENCE });
    this.#manager = manager;
  }

  async open(maxsize: number): Promise<number> {
    const { streams, consumers } = this.#manager();
    await unlessThere(streams.add({
      name: this.#stream,
      subjects: [this.#subject],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.File,
      discard: DiscardPolicy.New,
      max_msgs: maxsize === 0 ? -1 : maxsize,
    }));
    await unlessThere(consumers.add(this.#stream, {
      durable_name: "getters",
      ack_policy: AckPolicy.Explicit,
      ack_wait: TAKE_WAIT * NS,
      max_ack_pending: -1,
      max_waiting: 10_000,
    }));
    const { config } = await streams.info(this.#stream);
    return Math.max(0, config.max_msgs);
  }

  async put(bytes: Uint8Array, key: string): Promise<PutOutcome> {
    try {
      await this.#writer.publish(this.#subject, bytes, { msgID: key, timeout: PATIENCE, retries: 1 });
      return "put";
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === FULL) return "full";
      if (error instanceof JetStreamApiError && error.code === TOO_LARGE) return "shut";
      throw error;
    }
  }

  async itemNow(wait: number): Promise<Item | undefined> {
    const reply = `_INBOX.weft.${crypto.randomUUID().replaceAll("-", "")}`;
    const connection = this.#connection;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let subscription: Subscription | undefined;
    try {
      // Not a request of the client: the answer carries the subject of the item, and the client would not take it for
      // an answer.
      const message = await new Promise<Msg>((resolve, reject) => {
        const callback = (error: Error | null, message: Msg): void => error === null ? resolve(message) : reject(error);
        subscription = connection.subscribe(reply, { callback });
        timer = setTimeout(() => reject(new Error("no answer")), PATIENCE);
        const question = JSON.stringify({ batch: 1, ...(wait > 0 ? { expires: wait * NS } : { no_wait: true }) });
        connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${this.#stream}.getters`, question, { reply });
      });
      const code = message.headers?.code ?? 0;
      if (code === 0) return new NatsItem(message, connection);
      if (code === 404 || code === 408) return undefined;
      throw new Error(`the server has answered ${code} ${message.headers?.description ?? ""}`);
    } finally {
      clearTimeout(timer);
      if (!connection.isClosed()) subscription?.unsubscribe();
    }
  }

  items(hear: (item: Item) => void): Taking {
    const take = (message: Msg): void => hear(new NatsItem(message, this.#connection));
    return new Questions(this.#connection, this.#store, this.#stream, "getters", take);
  }

  async state(): Promise<{ size: number; isShut: boolean }> {
    const { state, config } = await this.#manager().streams.info(this.#stream);
    return { size: state.messages, isShut: config.max_msg_size === SHUT };
  }

  async shut(immediate: boolean): Promise<void> {
    const { streams } = this.#manager();
    await streams.update(this.#stream, { max_msg_size: SHUT });
    if (immediate) await streams.purge(this.#stream);
  }

  async remove(): Promise<void> {
    try {
      await this.#manager().streams.delete(this.#stream);
    } catch (error) {
      if (!(error instanceof JetStreamApiError && error.code === NO_STREAM)) throw error;
    }
  }
}

class NatsItem implements Item {
  readonly bytes: Uint8Array;
  readonly since = performance.now();
  readonly #message: Msg;
  readonly #connection: NatsConnection;

  constructor(message: Msg, connection: NatsConnection) {
    this.bytes = plain(message.data);
    this.#message = message;
    this.#connection = connection;
  }

  async take(): Promise<void> {
    await this.#connection.request(this.#message.reply!, "+ACK", { timeout: PATIENCE });
  }

  giveBack(): void {
    if (!this.#connection.isClosed()) this.#message.respond("-NAK");
  }
}
