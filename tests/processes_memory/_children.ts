/**
 * Other processes, without `Process`: a plain runtime that is given the memory's path and the name of a function in
 * _functions.ts.
 */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { regionPath } from "../../_internal/processes/region.ts";
import { runFlags } from "../_runtime.ts";

const MAIN = fileURLToPath(new URL("./_main.ts", import.meta.url));
const CONFIG = fileURLToPath(new URL("../../deno.json", import.meta.url));

/** A process that runs one of the functions. */
export class Child {
  readonly process: ChildProcess;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  output = "";

  constructor(name: string, ...args: (string | number)[]) {
    this.process = spawn(process.execPath, [...flags(), MAIN, regionPath(), name, ...args.map(String)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.process.stdout!.on("data", (data) => this.output += data);
    this.process.stderr!.on("data", (data) => this.output += data);
    this.ended = new Promise((resolve) => this.process.on("close", (code, signal) => resolve(code ?? signal!)));
  }

  kill(): void {
    this.process.kill("SIGKILL");
  }
}

/** What the runtime wants before the module. */
export function flags(): string[] {
  return runFlags("-A", "--no-lock", `--config=${CONFIG}`);
}
