import { parentPort } from "node:worker_threads";
import { expose } from "comlink";
import endpointOf from "comlink/dist/esm/node-adapter.mjs";
import tasks from "./tasks.cjs";

expose({ ...tasks }, endpointOf(parentPort));
