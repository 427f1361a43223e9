/** The plan of the floors for lib/measure.ts. */

import { ROOT } from "../../tools/_install.ts";
import type { Entry, Plan } from "../lib/measure.ts";
import type { PlayerOptions } from "../lib/player.ts";
import { FLOOR, FLOORS, LIBRARY, type Peer, work } from "./floor_plan.ts";

const PEERS = `${ROOT}benches/peers`;
const ARGUMENTS: Readonly<Record<Exclude<Peer, "CPython">, string>> = {
  "bare Atomics": "atomics",
  "bare Worker": "threads",
};

/** A command for each runtime that is followed by a file. */
export type Runtimes = Readonly<Record<string, readonly string[]>>;

/** All entries, and their players. Without CPython its contestants are left out. */
export function floorPlan(runtimes: Runtimes, hasPython: boolean, quick: boolean): Pick<
  Plan,
  "groups" | "players" | "entries"
> {
  const players: Record<string, PlayerOptions> = {};
  const entries: Entry[] = [];
  const add = (command: readonly string[], entry: Omit<Entry, "player" | "unwarmed">): void => {
    const player = command.join(" ");
    players[player] = { command, cwd: ROOT };
    entries.push({ ...entry, player, unwarmed: true });
  };
  for (const row of FLOORS) {
    const group = `${FLOOR}${row.name}`;
    const common = { group, n: quick ? row.quickN : row.n, ours: false };
    const peers = new Set(row.goals.map(({ peer }) => peer));
    for (const [runtime, command] of Object.entries(runtimes)) {
      for (const name of row.programs) {
        const file = `${ROOT}benches/account/player.ts`;
        add([...command, file, "floors"], { ...common, name, runtime, work: work(name, row.work) });
      }
      const weft = [...command, `${PEERS}/weft/player.ts`, row.scope];
      add(weft, { ...common, name: LIBRARY, runtime, work: row.work, ours: true });
      for (const name of peers) {
        if (name === "CPython") continue;
        const bare = [...command, `${PEERS}/bare/player.ts`, ARGUMENTS[name]];
        add(bare, { ...common, name, runtime, work: row.work });
      }
    }
    if (peers.has("CPython") && hasPython) {
      const python = ["python3", `${PEERS}/python/player.py`, row.scope === "threads" ? "threads" : "spawn"];
      const n = quick ? row.quickN : row.peerN ?? row.n;
      add(python, { ...common, n, name: "CPython", runtime: "CPython", work: row.work });
    }
  }
  const groups = FLOORS.map(({ name }) => ({ name: `${FLOOR}${name}`, unit: "ns", better: "less" as const }));
  return { groups, players, entries };
}
