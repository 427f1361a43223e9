/** Keeps a part of a run in the file that it is given, or nothing, says so, and goes on until it is stopped. */

import { Keeper } from "../../benches/lib/keeper.ts";
import "../../benches/lib/player.ts";
import { makeRun } from "./_made_runs.ts";

const [file, done] = Deno.args;
const keeper = new Keeper({ kind: "peers", quick: true, file: file!, total: 40, parts: "groups" });
const { groups } = makeRun({ seed: 1, starts: 1, rounds: 1 });
if (Number(done) > 0) {
  keeper.part({ groups: [...groups, { ...groups[0]!, contestants: [] }], versions: {} }, Number(done));
}
console.log("kept");
setInterval(() => {}, 1_000);
