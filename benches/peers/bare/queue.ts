/**
 * The blocking queue that programs write by hand: messages through a port, which a worker can take without its event loop, and
 * a word that counts them, on which both sides can wait.
 */

import { receiveMessageOnPort } from "node:worker_threads";
import { COUNT, standInLine } from "./words.ts";

/** How many messages there may be at once, as in the other queues. */
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
