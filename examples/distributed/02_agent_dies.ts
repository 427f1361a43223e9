/**
 * An agent is killed in the middle of its work. The other agent runs the lost tasks again, since `retries` allows it.
 */

import { once } from "node:events";
import { currentTask, devServer, Pool } from "@weft/concurrent/distributed";
import { sleep } from "@weft/concurrent/threading";
import { startAgent } from "./_agents.ts";

/** Work that may be done twice. With `retries`, a task begins again after its agent was lost. */
export async function work(item: number): Promise<[item: number, attempt: number]> {
  await sleep(100);
  return [item, currentTask()!.attempt];
}

if (import.meta.main) {
  await using server = await devServer();
  const [first, second] = [startAgent(server.url), startAgent(server.url)];
  {
    await using pool = new Pool({ connect: server.url, root: new URL("../../", import.meta.url) });
    while ((await pool.ready()).agents < 2) await sleep(10);
    const results = pool.map(work, Array.from({ length: 40 }, (_, item) => item), { retries: 1 });
    await sleep(350);
    first.kill("SIGKILL");
    await once(first, "exit");
    const done = await results;
    console.log(`${done.length} results, in order: ${done.every(([item], index) => item === index)}`);
    console.log(`some came at the second try: ${done.some(([, attempt]) => attempt === 2)}`);
    console.log(`${(await pool.agents()).length} agent is left`);
  }
  second.kill("SIGTERM");
}

/* Prints:
40 results, in order: true
some came at the second try: true
1 agent is left
*/
