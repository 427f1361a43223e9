/**
 * Questions for messages of a work queue: an agent asks for tasks, and a queue for items.
 *
 * @module
 */

import type { Msg, NatsConnection, Subscription } from "@nats-io/transport-node";
import type { Link, Taking } from "./_engine.ts";
import { AGAIN } from "./_nats_connect.ts";

// Times in milliseconds.
/** How long a question stays open before it is asked again. */
const OPEN = 30_000;
/** Nanoseconds in a millisecond: the unit of the server's times. */
export const NS = 1e6;

/** An open question. */
interface Question {
  /** How many deliveries are missing. */
  missing: number;
  readonly subscription: Subscription;
}

/**
 * Asks for several messages at a time, and counts how many of each question are missing: the server may answer with
 * fewer, or forget the question.
 *
 * Each question has its own subscription. A delivery carries the subject under which the message was stored, so only
 * the subscription shows to which question it belongs. That way none is counted twice, even after a reconnection.
 */
export class Questions implements Taking {
  readonly #connection: NatsConnection;
  readonly #link: Link;
  /** The subject to which questions are sent. */
  readonly #subject: string;
  readonly #hear: (message: Msg) => void;
  readonly #inbox = `_INBOX.weft.${crypto.randomUUID().replaceAll("-", "")}`;
  readonly #open: Set<Question> = new Set();
  readonly #openFor: number;
  #questions = 0;
  #isStopped = false;
  #heard = performance.now();
  readonly #silence: () => void;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    connection: NatsConnection,
    link: Link,
    stream: string,
    consumer: string,
    hear: (message: Msg) => void,
    open = OPEN,
  ) {
    this.#connection = connection;
    this.#openFor = open;
    this.#link = link;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    this.#hear = hear;
    this.#silence = link.onBack(() => this.#askAnew());
    // A question that the server has forgotten is never answered.
    this.#timer = setInterval(() => {
      if (link.isClosed) clearInterval(this.#timer);
      else if (this.#open.size > 0 && performance.now() - this.#heard > 2 * open) this.#askAnew();
    }, open);
  }

  ask(count: number): void {
    if (count <= 0 || this.#isStopped || this.#connection.isClosed()) return;
    this.#heard = performance.now();
    const reply = `${this.#inbox}.${++this.#questions}`;
    const question: Question = {
      missing: count,
      subscription: this.#connection.subscribe(reply, {
        callback: (error, message) => {
          if (error === null) this.#take(question, message);
        },
      }),
    };
    this.#open.add(question);
    this.#connection.publish(this.#subject, JSON.stringify({ batch: count, expires: this.#openFor * NS }), { reply });
  }

  /**
   * Takes no more messages. Those that are on their way still arrive and are given back; then the server forgets the
   * questions.
   */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#silence();
    if (this.#connection.isClosed()) return;
    for (const { subscription } of this.#open) void subscription.drain().catch(() => {});
  }

  /** Ends a question. The server forgets it, because nothing listens for its answer any more. */
  #end(question: Question): void {
    this.#open.delete(question);
    if (!this.#connection.isClosed()) question.subscription.unsubscribe();
  }

  #askAnew(): void {
    if (this.#isStopped || this.#connection.isClosed()) return;
    let missing = 0;
    for (const question of [...this.#open]) {
      missing += question.missing;
      this.#end(question);
    }
    this.ask(missing);
  }

  #take(question: Question, message: Msg): void {
    try {
      this.#heard = performance.now();
      const code = message.headers?.code ?? 0;
      if (code === 100 || !this.#open.has(question)) return;
      if (code !== 0) {
        this.#end(question);
        void this.#askAgain(code, question.missing);
        return;
      }
      if (--question.missing === 0) this.#end(question);
      if (this.#isStopped) message.respond("-NAK");
      else this.#hear(message);
    } catch (error) {
      console.error("Cannot take a message of a queue:", error);
    }
  }

  // 408 and 404: the question has expired or the queue is empty. Other codes: the queue is gone, or has too many
  // questions.
  async #askAgain(code: number, missing: number): Promise<void> {
    if (code !== 408 && code !== 404) {
      await this.#link.restore();
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
    this.ask(missing);
  }
}
