/** A bare child process of `child_process.fork`. */

import process from "node:process";
import { obey, type Order } from "./orders.ts";

process.on("message", (order: Order) => obey(order, (answer) => void process.send!(answer)));
