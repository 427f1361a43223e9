/** A worker or a child process by hand, whichever runtime it is: messages there and back. */

import { type ChildProcess, fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Worker as NodeWorker } from "node:worker_threads";
import type { Answer, Order } from "./orders.ts";

/** The other side. */
export interface Partner {
  send(order: Order, transfer?: Transferable[]): void;
  onAnswer: (answer: Answer) => void;
  end(): Promise<unknown>;
  /** Resolves when it has ended, for any reason. A worker does not report it on all runtimes. */
  readonly ended?: Promise<unknown>;
}

const OURSELVES = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** Starts a worker. */
export function startWorker(): Partner {
  const url = new URL(`./worker.${OURSELVES}`, import.meta.url);
  if (process.versions.deno !== undefined || process.versions.bun !== undefined) {
    const worker = new Worker(url, { type: "module" });
    const partner: Partner = {
      send: (order, transfer = []) => worker.postMessage(order, transfer as never[]),
      onAnswer: () => {},
      end: () => Promise.resolve(worker.terminate()),
    };
    worker.onmessage = ({ data }) => partner.onAnswer(data);
    return partner;
  }
  const worker = new NodeWorker(url);
  const partner: Partner = {
    send: (order, transfer = []) => worker.postMessage(order, transfer as never[]),
    onAnswer: () => {},
    end: () => worker.terminate(),
  };
  worker.on("message", (answer) => partner.onAnswer(answer));
  return partner;
}

/** Starts a child process. Bytes need a serialization of their own. */
export function startChild(serialization: "json" | "advanced" = "json"): Partner {
  const child: ChildProcess = fork(fileURLToPath(new URL(`./child.${OURSELVES}`, import.meta.url)), [], {
    serialization,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const partner: Partner = {
    send: (order) => void child.send(order),
    onAnswer: () => {},
    ended,
    end() {
      child.kill("SIGKILL");
      return ended;
    },
  };
  child.on("message", (answer) => partner.onAnswer(answer as Answer));
  return partner;
}

/** The next answer. */
export function nextAnswer(partner: Partner): Promise<Answer> {
  return new Promise((resolve) => partner.onAnswer = resolve);
}
