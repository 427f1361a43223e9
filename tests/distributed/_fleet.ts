/** A server and agents as programs of their own, of either runtime, that tests kill, freeze and ask to end. */

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type DevServer, devServer, type ServeOptions } from "@weft/concurrent/distributed";
import { isDeno, runFlags } from "../_runtime.ts";

const ROOT = new URL("../../", import.meta.url);
const DENO = [
  "--quiet",
  "--no-lock",
  "--no-prompt",
  `--config=${fileURLToPath(new URL("deno.json", ROOT))}`,
];
const PROGRAM = fileURLToPath(new URL("./_agent.ts", import.meta.url));

/** The command that runs a program on this runtime. */
export function commandOf(file: string, flags: readonly string[] = ["-A"]): string[] {
  return [process.execPath, ...runFlags(...DENO, ...flags), file];
}

/** The command that runs a program on the other runtime; `undefined`: it is not there. */
export function otherCommand(file: string): string[] | undefined {
  const other = fileURLToPath(new URL(`node_modules/.bin/${isDeno ? "bun" : "deno"}`, ROOT));
  if (!existsSync(other)) return undefined;
  return isDeno ? [other, file] : [other, "run", "--no-check", ...DENO, "-A", file];
}

/** The command that runs an agent on the other runtime; `undefined`: it is not there. */
export function otherAgent(): string[] | undefined {
  return otherCommand(PROGRAM);
}

/** A program that runs beside the tests. */
export class Program {
  readonly child: ChildProcess;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  output = "";

  constructor(command: readonly string[], env: Record<string, string> = {}) {
    const [file, ...args] = command;
    this.child = spawn(file!, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    const hear = (data: Uint8Array): void => void (this.output += new TextDecoder().decode(data));
    this.child.stdout!.on("data", hear);
    this.child.stderr!.on("data", hear);
    this.ended = new Promise((resolve) => this.child.once("close", (code, signal) => resolve(signal ?? code ?? -1)));
  }

  /** Says on stderr what a program said that ends without having been asked to. */
  watch(): this {
    void this.ended.then((how) => this.#isAsked || console.error(`A program has ended with ${how}:\n${this.output}`));
    return this;
  }

  #isAsked = false;

  signal(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): void {
    if (signal === "SIGKILL" || signal === "SIGTERM") this.#isAsked = true;
    if (this.child.exitCode === null && this.child.signalCode === null) process.kill(this.child.pid!, signal);
  }
}

/** A server with its agents. */
export class Fleet implements AsyncDisposable {
  readonly agents: Program[] = [];
  readonly server: DevServer;

  private constructor(server: DevServer) {
    this.server = server;
  }

  static async start(
    agents = 0,
    options: Partial<ServeOptions> = {},
    server?: DevServer | Promise<DevServer>,
  ): Promise<Fleet> {
    const fleet = new Fleet(await (server ?? devServer()));
    for (let i = 0; i < agents; i++) fleet.add(options);
    return fleet;
  }

  get url(): string {
    return this.server.url;
  }

  /** Starts another agent, whose root is that of this repository. */
  add(options: Partial<ServeOptions> = {}, command: readonly string[] = commandOf(PROGRAM)): Program {
    const all = { connect: this.url, root: ROOT.href, slots: 2, ...options };
    const agent = new Program([...command, JSON.stringify(all)]).watch();
    this.agents.push(agent);
    return agent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.agents) {
      agent.signal("SIGCONT");
      agent.signal("SIGKILL");
    }
    await Promise.all(this.agents.map(({ ended }) => ended));
    await this.server[Symbol.asyncDispose]();
  }
}

/** Where the modules of the tests are, for pools. */
export const root: string = ROOT.href;
