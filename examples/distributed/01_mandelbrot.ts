/**
 * Two agents compute a picture, row by row. Compared with a pool of one machine, the import differs, and the options
 * `connect` and `root` are added.
 */

import { devServer, Pool } from "@weft/concurrent/distributed";
import { startAgent } from "./_agents.ts";

const WIDTH = 60;
const HEIGHT = 21;

/** A row of the Mandelbrot set. */
export function row(y: number): string {
  let text = "";
  for (let x = 0; x < WIDTH; x++) {
    const [a, b] = [x / WIDTH * 3 - 2.2, y / (HEIGHT - 1) * 2.2 - 1.1];
    let [u, v, steps] = [0, 0, 0];
    for (; u * u + v * v < 4 && steps < 1000; steps++) [u, v] = [u * u - v * v + a, 2 * u * v + b];
    text += steps === 1000 ? "#" : steps > 12 ? "+" : steps > 5 ? "." : " ";
  }
  return text.trimEnd();
}

if (import.meta.main) {
  // In production the server already runs somewhere: nats://queue:4222.
  await using server = await devServer();
  const agents = [startAgent(server.url), startAgent(server.url)];
  {
    await using pool = new Pool({ connect: server.url, root: new URL("../../", import.meta.url) });
    while ((await pool.ready()).agents < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    for await (const line of pool.imap(row, Array.from({ length: HEIGHT }, (_, y) => y))) console.log(line);
    console.log(`by ${(await pool.agents()).length} agents with ${pool.stats().workers} slots`);
  }
  for (const agent of agents) agent.kill("SIGTERM");
}

/* Prints:
                                        +.
                                       ....+.
                                      ...+++..
                                  .....+####+...
                              ..++..+++++##+++.+...+.
                            .....+##############+##+.
                  .....  .....+#+##################+..
                 ..+++.+......+######################+.
                ....+######+++#######################.
           .....+.++#########+######################..
     #############################################....
           .....+.++#########+######################..
                ....+######+++#######################.
                 ..+++.+......+######################+.
                  .....  .....+#+##################+..
                            .....+##############+##+.
                              ..++..+++++##+++.+...+.
                                  .....+####+...
                                      ...+++..
                                       ....+.
                                        +.
by 2 agents with 4 slots
*/
