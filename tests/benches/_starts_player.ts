/** A driver of a player that never becomes ready. It says when it has started it. */

import process from "node:process";
import { Player } from "../../benches/lib/player.ts";

if (import.meta.main) {
  const player = Player.start({ command: JSON.parse(process.argv[2]!) });
  console.log("started");
  await player;
}
