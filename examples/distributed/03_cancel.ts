/**
 * Tasks that are not wanted any more are cancelled: at once here, and on the other machine when the task next checks.
 */

import { once } from "node:events";
import { currentTask, devServer, Pool } from "@weft/concurrent/distributed";
import { startAgent } from "./_agents.ts";

/** Looks for a number that does not exist, and checks in each step whether it should stop. */
export function search(from: number): number {
  for (let n = from;; n++) {
    if (currentTask()!.cancelled) return n;
    if (n * n === -1) return n;
  }
}

if (import.meta.main) {
  await using server = await devServer();
  const agent = startAgent(server.url);
  {
    await using pool = new Pool({ connect: server.url, root: new URL("../../", import.meta.url) });
    const enough = new AbortController();
    // A task that does not check is ended by force, a second after it was cancelled.
    const futures = [0, 1].map((from) => pool.apply(search, [from], { signal: enough.signal, killAfter: 1000 }));
    while (futures.some(({ state }) => state !== "running")) await new Promise((resolve) => setTimeout(resolve, 10));
    enough.abort(new Error("that is enough"));
    for (const settled of await Promise.allSettled(futures)) {
      console.log(settled.status, settled.status === "rejected" ? settled.reason.message : "");
    }
    console.log("and the agent has time for", await pool.apply(Math.max, [1, 2, 3]));
  }
  agent.kill("SIGTERM");
  await once(agent, "exit");
}

/* Prints:
rejected that is enough
rejected that is enough
and the agent has time for 3
*/
