/** Messages through a pipe: within one thread, and to a process that answers at once. */

import { type Connection, Pipe, Process } from "@weft/concurrent/multiprocessing";
import type { Work } from "../lib/play.ts";
import { keep } from "../_harness.ts";
import { answerPipe } from "../targets/partners.ts";

let partner: Connection | undefined;

function startPartner(): Connection {
  const [here, there] = Pipe();
  new Process({ target: answerPipe, args: [there], daemon: true }).start();
  return here;
}

/** The works. */
export function pipeWorks(): Record<string, Work> {
  const [one, other] = Pipe();
  return {
    "Connection: sendSync + recvSync in one thread": (n) => {
      for (let i = 0; i < n; i++) {
        one.sendSync(i);
        keep(other.recvSync());
      }
    },
    "Connection: sendSync + recvSync, a busy process answers": (n) => {
      const connection = partner ??= startPartner();
      for (let i = 0; i < n; i++) {
        connection.sendSync(i);
        keep(connection.recvSync());
      }
    },
  };
}
