/**
 * The engine on NATS: tasks in a work queue of JetStream, all else in messages. The stream is `WEFT_FLEET` and its consumer `agents`,
 * as tools of NATS show them.
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
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import type { Address } from "./_address.ts";
import { type Delivery, type Engine, QueueFullError, type Taking } from "./_engine.ts";
import { connectTo } from "./_nats_connect.ts";
import { NatsLink, PATIENCE, plain } from "./_nats_link.ts";
import { NS, Questions } from "./_nats_questions.ts";
import { EngineError } from "./fleet_errors.ts";

/** How long the engine waits for an agent that has a task to say that it is done with it: milliseconds. */
const ACK_WAIT = 5000;
/** The server's reasons: there are as many messages as the queue may have; the queue or its consumer is there already. */
export const FULL = 10077;
const IN_USE = [10058, 10148, 10013];
const MOST_WAITING = 100_000;

/** Connects to a server, and makes the fleet's queue where it is not there. */
export async function connectNats(address: Address, fleet: string, timeout: number): Promise<Engine> {
  const connection = await connectTo(address, fleet, timeout);
  return await begun(new NatsEngine(connection, fleet, address.shown), connection);
}

/** Makes what is needed on the server, or ends the connection. */
export async function begun<L extends NatsLink>(link: L, connection: NatsConnection): Promise<L> {
  try {
    await link.begin();
    return link;
  } catch (error) {
    await connection.close();
    throw new EngineError(
      `Cannot use ${link.place} as its queue cannot be made: ${
        (error as Error).message
      }. The server needs JetStream: start it with -js`,
      { cause: error },
    );
  }
}

class NatsEngine extends NatsLink implements Engine {
  readonly #stream: string;
  readonly #queue: JetStreamClient;
  #manager: JetStreamManager | undefined;

  constructor(connection: NatsConnection, fleet: string, place: string) {
    super(connection, fleet, place);
    this.#stream = `WEFT_${fleet}`;
    this.#queue = jetstream(connection, { timeout: PATIENCE });
  }

  protected async make(): Promise<void> {
    const manager = this.#manager ??= await jetstreamManager(this.connection, { timeout: PATIENCE, checkAPI: false });
    await unlessThere(manager.streams.add({
      name: this.#stream,
      subjects: [this.subject("task.>")],
      retention: RetentionPolicy.Workqueue,
      storage: StorageType.Memory,
      discard: DiscardPolicy.New,
      max_msgs: MOST_WAITING,
    }));
    await unlessThere(manager.consumers.add(this.#stream, {
      durable_name: "agents",
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT * NS,
      max_ack_pending: MOST_WAITING,
      max_waiting: 10_000,
    }));
  }

  async putTask(driver: string, bytes: Uint8Array, key: string): Promise<number> {
    try {
      const { seq } = await this.#queue.publish(this.subject(`task.${driver}`), bytes, {
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
      const message = await this.#manager!.streams.getMessage(this.#stream, { seq: place });
      // A queue that was made anew counts from 1 again.
      return message?.header.get("Nats-Msg-Id") === key;
    } catch (error) {
      if (error instanceof JetStreamApiError) return false;
      throw error;
    }
  }

  async removeTask(place: number): Promise<void> {
    await this.#manager!.streams.deleteMessage(this.#stream, place, false).catch(() => {});
  }

  takeTasks(hear: (delivery: Delivery) => void): Taking {
    return new Questions(this.connection, this, this.#stream, "agents", (message) => hear(deliveryOf(message)));
  }
}

/** Makes something, unless it is there. */
export async function unlessThere(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (!(error instanceof JetStreamApiError && IN_USE.includes(error.code))) throw error;
  }
}

function deliveryOf(message: Msg): Delivery {
  return {
    bytes: plain(message.data),
    done: () => void message.respond("+ACK"),
    keep: () => void message.respond("+WPI"),
    giveBack: () => void message.respond("-NAK"),
  };
}
