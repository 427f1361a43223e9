/** A driver that stops its player, says its number, and waits to be killed. */

import process from "node:process";
import { Player } from "../../benches/lib/player.ts";

if (import.meta.main) {
  const player = await Player.start({ command: JSON.parse(process.argv[2]!) });
  process.kill(player.pid, "SIGSTOP");
  console.log(player.pid);
  setInterval(() => {}, 1_000);
}
