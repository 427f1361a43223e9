import { parentPort } from "node:worker_threads";
import { obey } from "./_foreign_worker.ts";

parentPort!.on("message", (order) => void obey(order));
