/** The works of a fleet: a server, an agent as a program of its own on the runtime of this one, and a pool here. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { devServer, Pool, WorkerLostError } from "@weft/concurrent/distributed";
import { timed, type Work } from "../lib/play.ts";
import { ROOT } from "./root.ts";
import { increment, linger } from "./tasks.ts";
import { worksOf } from "./works.ts";

const AGENT = fileURLToPath(new URL("./agent.ts", import.meta.url));
/** The command before the name of a program. */
const RUNTIME = "Deno" in globalThis ? [process.execPath, "run", "-A", "--no-check", "--quiet"] : [process.execPath];

/** A program takes nothing for gone before it was connected for some seconds: milliseconds. */
const CONNECTED = 3000;
/** How often a program looks at its agents: milliseconds. A kill may come at any time between two looks. */
const TICK = 300;
/** Each kill comes later than the one before by this part of that time. */
const STEP = 0.382;

/** Starts an agent; resolves when it takes tasks. */
async function startAgent(url: string): Promise<ChildProcess> {
  const [command, ...args] = [...RUNTIME, AGENT, url];
  const agent = spawn(command!, args, { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise<void>((resolve, reject) => {
    agent.stdout!.once("data", () => resolve());
    agent.once("exit", () => reject(new Error("Cannot start agent: it ended before it was ready")));
  });
  return agent;
}

/** Kills a program; resolves when it has ended. */
async function kill(child: ChildProcess): Promise<void> {
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGKILL");
  await ended;
}

export async function fleet(): Promise<{ works: Record<string, Work>; close: () => Promise<void> }> {
  const server = await devServer();
  let agent = await startAgent(server.url);
  const pool = new Pool({ connect: server.url, root: ROOT });
  await pool.ready({ timeout: 10_000 });
  const folder = mkdtempSync(`${tmpdir()}/weft-killed-`);

  const connected = performance.now();
  let kills = 0;

  /** Kills the agent while it has a task; resolves to the nanoseconds until the program knows. */
  const killedOnce = async (): Promise<number> => {
    await delay(Math.max(0, connected + CONNECTED - performance.now()));
    const file = `${folder}/${++kills}`;
    const lost = pool.submit(linger, file).then(() => undefined, (error: unknown) => error);
    while (!existsSync(file)) await delay(1);
    await delay(TICK * (kills * STEP % 1));
    let error: unknown;
    const ns = await timed(async () => {
      agent.kill("SIGKILL");
      error = await lost;
    });
    if (!(error instanceof WorkerLostError)) throw new Error(`Cannot kill agent: the task ended with ${error}`);
    agent = await startAgent(server.url);
    await pool.submit(increment, 1);
    return ns;
  };

  return {
    works: {
      ...worksOf(() => pool),
      async "agent killed"(n) {
        let ns = 0;
        for (let i = 0; i < n; i++) ns += await killedOnce();
        return ns;
      },
    },
    async close() {
      await pool[Symbol.asyncDispose]();
      await kill(agent);
      await server[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
