/** A bare worker, of Deno, Bun or Node. */

import process from "node:process";
import { parentPort } from "node:worker_threads";
import { obey, type Order } from "./orders.ts";

const self = globalThis as unknown as Worker;
if (process.versions.deno !== undefined || process.versions.bun !== undefined) {
  self.onmessage = ({ data }: MessageEvent<Order>) => obey(data, (answer) => self.postMessage(answer));
} else {
  parentPort!.on("message", (order: Order) => obey(order, (answer) => parentPort!.postMessage(answer)));
}
