/** Runs programs with a time limit, and leaves none of them behind. */

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** How {@linkcode run} runs a command. */
export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Milliseconds after which the command and all its children are killed. */
  readonly limit: number;
  /** Milliseconds that the other processes of the command's group may take to end after it. Default: they are not asked. */
  readonly grace?: number;
  /** Called with each piece of output as it comes. */
  readonly onOutput?: (text: string) => void;
}

/** How a command ended. */
export interface RunResult {
  /** The exit code; 124 when the time was up, 128 and more for a signal. */
  readonly code: number;
  /** What it wrote to stdout and stderr, in the order written. */
  readonly output: string;
  readonly timedOut: boolean;
  readonly ms: number;
  /** The processes that were still there after the grace, as their command lines. They are killed. */
  readonly left: string[];
}

/** What the library prints when it finds the shared memory damaged, which need not fail a test. */
export const DAMAGED = "Error: Shared memory is damaged";

const running = new Set<ChildProcess>();

// Each command leads a process group of its own, so that its children can be killed with it. The terminal's Ctrl-C
// does not reach such a group, so it is passed on here.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    for (const child of running) killGroup(child);
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The whole group has ended already.
  }
}

/** Command lines of the processes of a group that have not ended. Linux only; elsewhere the list is empty. */
function groupOf(leader: number): string[] {
  const found: string[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    try {
      // After the name, which is in brackets and may be anything: state, parent, group.
      const [state, , group] = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      if (Number(group) !== leader || state === "Z" || state === "X") continue;
      found.push(`${pid} ${readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")}`);
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/** Runs a command to its end. Never throws for a command that fails: see the code. */
export function run(command: readonly string[], options: RunOptions): Promise<RunResult> {
  const start = performance.now();
  const { promise, resolve } = Promise.withResolvers<RunResult>();
  // Through the shell, so that both streams are one pipe and keep their order.
  const child = spawn("sh", ["-c", 'exec "$@" 2>&1', "sh", ...command], {
    cwd: options.cwd,
    env: { ...process.env, NO_COLOR: "1", ...options.env },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  running.add(child);
  let output = "";
  let timedOut = false;
  let settled = false;
  const decoder = new TextDecoder();
  child.stdout!.on("data", (bytes: Uint8Array) => {
    const text = decoder.decode(bytes, { stream: true });
    output += text;
    options.onOutput?.(text);
  });
  const settle = async (code: number) => {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    const ms = performance.now() - start;
    let left: string[] = [];
    if (options.grace !== undefined && !timedOut && process.platform === "linux") {
      const until = performance.now() + options.grace;
      while ((left = groupOf(child.pid!)).length > 0 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    killGroup(child);
    running.delete(child);
    resolve({ code: timedOut ? 124 : code, output, timedOut, ms, left });
  };
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child);
  }, options.limit);
  child.on("error", (error: Error) => {
    output += `${error.message}\n`;
    settle(127);
  });
  child.on("exit", (code: number | null) => {
    // A child that outlives the command may hold the pipe open forever: give the rest of the output a second.
    setTimeout(() => settle(code ?? 128), 1_000).unref();
  });
  child.on("close", (code: number | null) => settle(code ?? 128));
  return promise;
}
