/** How the players are started. */

import { findBun, ROOT, serverVariable } from "../../tools/_install.ts";
import type { PlayerOptions } from "../lib/player.ts";
import { prepareBullmq } from "./bullmq.ts";
import type { PlayerName } from "./plan.ts";

/** On which runtimes. */
export const RUNTIMES = ["Deno", "Bun"] as const;
/** One of them. */
export type Runtime = typeof RUNTIMES[number];

/** A player that can be started. */
export interface Starting {
  readonly name: PlayerName;
  readonly runtime: Runtime;
  /** What sets it apart from all others. */
  readonly key: string;
  readonly options: PlayerOptions;
}

/** The players that this machine can run, and remarks about them, a sentence each. */
export async function playersNamed(names: readonly PlayerName[]): Promise<{ players: Starting[]; notes: string[] }> {
  const bullmq = names.includes("BullMQ") ? await prepareBullmq() : undefined;
  const notes = bullmq === undefined ? [] : [typeof bullmq === "string" ? bullmq : bullmq.versions];
  const [bun, nats] = [await findBun(), await serverVariable()];
  const players: Starting[] = [];
  for (const runtime of RUNTIMES) {
    const command = (file: string, ...flags: string[]): string[] =>
      runtime === "Bun"
        ? [bun, `${ROOT}benches/distributed/${file}`]
        : [Deno.execPath(), "run", "-A", "--no-check", "--quiet", ...flags, `${ROOT}benches/distributed/${file}`];
    const add = (name: PlayerName, options: PlayerOptions): void => {
      players.push({ name, runtime, key: `${name}, ${runtime}`, options: { cwd: ROOT, ...options } });
    };
    for (const name of names) {
      if (name === "fleet") add(name, { command: [...command("player.ts"), "fleet"], env: nats });
      if (name === "local pool") add(name, { command: [...command("player.ts"), "local"] });
      if (name !== "BullMQ" || typeof bullmq !== "object") continue;
      const config = `--config=${ROOT}benches/distributed/bullmq/deno.json`;
      add(name, {
        command: command("bullmq/player.mjs", "--no-lock", config),
        env: { WEFT_VALKEY_SERVER: bullmq.server },
      });
    }
  }
  return { players, notes };
}
