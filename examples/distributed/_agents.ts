/** Agents as separate programs. Here they run on this machine; in production each would run on its own. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { serve } from "@weft/concurrent/distributed";

const THIS = fileURLToPath(import.meta.url);

/** Starts an agent that works for the pools of this server. */
export function startAgent(server: string): ChildProcess {
  const runtime = "Deno" in globalThis
    ? [process.execPath, "run", "-A", "--quiet"]
    : [process.execPath, ...process.execArgv];
  const [command, ...args] = [...runtime, THIS, server];
  return spawn(command!, args, { stdio: "inherit" });
}

if (import.meta.main) await serve({ connect: process.argv[2]!, root: new URL("../../", import.meta.url), slots: 2 });
