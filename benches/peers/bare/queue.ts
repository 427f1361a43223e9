/**
 * The blocking queues that programs write by hand:
 *
 * - of anything: messages through a port, which a worker can take without its event loop, and a word that counts them, on which
 *   both sides can wait;
 * - of numbers: a ring between one producer and one consumer. One word counts the numbers that were put, another those that were
 *   taken. The producer sleeps while the ring is full, the consumer while it is empty.
 *
 * Both are in one module, since each module makes the start of a worker longer.
 */

import { receiveMessageOnPort } from "node:worker_threads";
import { COUNT, PUT, standInLine, TAKEN } from "./words.ts";

/** How many items there may be at once, as in the other queues. */
const MOST = 1024;

/** So many items of a kind. */
export function* itemsOf(item: string, times: number): Generator<number | object> {
  const padding = item === "1 KB" ? "x".repeat(1000) : "";
  for (let id = 0; id < times; id++) {
    yield item === "integers" ? id : { id, name: `item ${id}${padding}`, tags: ["a", "b"] };
  }
}

/** Puts so many items as soon as it may go. */
export function put(words: Int32Array, port: MessagePort, item: string, times: number): void {
  standInLine(words);
  for (const each of itemsOf(item, times)) {
    for (let size = Atomics.load(words, COUNT); size >= MOST; size = Atomics.load(words, COUNT)) {
      Atomics.wait(words, COUNT, size);
    }
    port.postMessage(each);
    if (Atomics.add(words, COUNT, 1) === 0) Atomics.notify(words, COUNT);
  }
}

/** Takes so many items as soon as it may go. */
export function take(words: Int32Array, port: MessagePort, times: number): void {
  standInLine(words);
  for (let i = 0; i < times; i++) {
    while (Atomics.load(words, COUNT) === 0) Atomics.wait(words, COUNT, 0);
    if (receiveMessageOnPort(port as never) === undefined) throw new Error("a message that was counted did not come");
    if (Atomics.sub(words, COUNT, 1) === MOST) Atomics.notify(words, COUNT);
  }
}

/** New slots, for the numbers of a ring. */
export function makeSlots(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(4 * MOST));
}

/** Puts so many numbers into a ring as soon as it may go. */
export function fill(words: Int32Array, slots: Int32Array, times: number): void {
  standInLine(words);
  let taken = 0;
  for (let put = 0; put < times; put++) {
    while (put - taken === MOST) {
      taken = Atomics.load(words, TAKEN);
      if (put - taken === MOST) Atomics.wait(words, TAKEN, taken);
    }
    slots[put % MOST] = put;
    Atomics.store(words, PUT, put + 1);
    // The ring was empty: the consumer may sleep.
    if (Atomics.load(words, TAKEN) === put) Atomics.notify(words, PUT);
  }
}

/** Takes so many numbers out of a ring as soon as it may go. Returns how many of them were not the next one. */
export function drain(words: Int32Array, slots: Int32Array, times: number): number {
  standInLine(words);
  let wrong = 0;
  let put = 0;
  for (let taken = 0; taken < times; taken++) {
    while (put === taken) {
      put = Atomics.load(words, PUT);
      if (put === taken) Atomics.wait(words, PUT, put);
    }
    if (slots[taken % MOST] !== taken) wrong++;
    Atomics.store(words, TAKEN, taken + 1);
    // The ring was full: the producer may sleep.
    if (Atomics.load(words, PUT) - taken === MOST) Atomics.notify(words, TAKEN);
  }
  return wrong;
}
