/**
 * The engine on NATS: tasks are in a work queue of JetStream, everything else is a plain message. Tools of NATS show
 * the stream as `WEFT_FLEET` and its consumer as `agents`.
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

/** How long the server waits until an agent acknowledges a task: milliseconds. Then another agent gets it. */
const ACK_WAIT = 5000;
/**
 * Error codes of the server: the queue is full; the queue or its consumer exists already, maybe with other settings.
 */
export const FULL = 10077;
const IN_USE = [10058, 10148, 10013];
const MOST_WAITING = 100_000;

/** Connects to a server, and creates the fleet's queue if it does not exist. */
export async function connectNats(address: Address, fleet: string, timeout: number): Promise<Engine> {
  const connection = await connectTo(address, fleet, timeout);
  return await begun(new NatsEngine(connection, fleet, address.shown), connection);
}

/** Creates what the link needs on the server, or closes the connection. */
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
      // A queue that was created again counts from 1 again, so the same place may have another task.
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

/** Creates something on the server unless it exists. */
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
