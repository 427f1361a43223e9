/** Runs a program that may crash or hang, from outside. */

import { assert } from "@std/assert";
import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { RUN_FLAGS } from "../_runtime.ts";

export interface Outcome {
  /** Its exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly output: string;
}

/** Runs a program beside this file, or at a full path. If it takes longer than `limit` milliseconds it is ended with SIGKILL. */
export function runProgram(
  name: string,
  args: readonly string[],
  limit: number,
  env: Record<string, string> = {},
): Promise<Outcome> {
  const program = name.startsWith("/") ? name : fileURLToPath(new URL(name, import.meta.url));
  const child = spawn(process.execPath, [...RUN_FLAGS, program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    // The memory is damaged on purpose, to see what the library does about it.
    env: { ...process.env, WEFT_CHECK_MEMORY: "0", ...env },
  });
  let output = "";
  child.stdout.on("data", (data) => output += data);
  child.stderr.on("data", (data) => output += data);
  const timer = setTimeout(() => child.kill("SIGKILL"), limit);
  return new Promise((resolve) =>
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal!, output });
    })
  );
}

/** The same for a program that must exit with code 0. */
export async function survives(name: string, args: readonly string[], limit: number): Promise<string> {
  const { code, output } = await runProgram(name, args, limit);
  assert(code === 0, `ended with ${code}:\n${output.slice(-3_000)}`);
  return output;
}
