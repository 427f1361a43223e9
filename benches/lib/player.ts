/** The driver's end of a player: a child program that plays works on command. play.ts describes what it has to do. */

import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Order, Played } from "./play.ts";

/** How a player is started. */
export interface PlayerOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Milliseconds that it may take to be ready. Default: 60,000. */
  readonly limit?: number;
}

/** A work was not answered in time. The player has been killed. */
export class HangError extends Error {
  override name = "HangError";
}

/** A player answered that it cannot do a work, or ended. */
export class PlayerError extends Error {
  override name = "PlayerError";
}

interface Greeting {
  readonly name: string;
  readonly version: string;
  readonly works: readonly string[];
}

/** The running players, also players that are not ready yet. */
const started = new Set<Group>();

// Each player leads a group of its own, so that what it starts can be killed with it. The terminal's Ctrl-C does not reach
// such a group, so it is passed on here.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    for (const group of started) group.kill();
    process.exit(signal === "SIGINT" ? 130 : 143);
  });
}

/** A child and its processes, which are all killed at once, also when this program ends. */
class Group {
  readonly #child: ChildProcess;
  readonly #guard: ChildProcess | undefined;

  constructor(child: ChildProcess) {
    this.#child = child;
    // A child that could not be started has no number.
    if (child.pid !== undefined) this.#guard = guard(child.pid);
    started.add(this);
  }

  kill(): void {
    started.delete(this);
    this.#guard?.kill("SIGKILL");
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, "SIGKILL");
    } catch {
      // The whole group has ended already.
    }
  }
}

/**
 * A sample that takes so many times as long as it should is long: most of it runs in compiled code even without warming, and a
 * second sample in the same start would not be worth its time.
 */
export const LONG = 10;

/** A started player. */
export class Player {
  readonly pid: number;
  /** The name that it gives itself, its runtime's version, its works. */
  readonly greeting: Greeting;
  readonly #child: ChildProcess;
  readonly #group: Group;
  readonly #lines: AsyncIterator<string>;
  readonly #ended: Promise<void>;
  #orders = 0;

  private constructor(
    child: ChildProcess,
    group: Group,
    lines: AsyncIterator<string>,
    ended: Promise<void>,
    greeting: Greeting,
  ) {
    this.pid = child.pid!;
    this.greeting = greeting;
    this.#child = child;
    this.#group = group;
    this.#lines = lines;
    this.#ended = ended;
  }

  /** Starts a player and waits until it is ready. A player that is not ready in time, or sends no valid greeting, is killed. */
  static async start({ command, cwd, env, limit = 60_000 }: PlayerOptions): Promise<Player> {
    const [program, ...args] = command;
    const child = spawn(program!, args, {
      cwd,
      env: { ...process.env, NO_COLOR: "1", ...env },
      stdio: ["pipe", "pipe", "inherit"],
      detached: true,
    });
    const group = new Group(child);
    const ended = new Promise<void>((resolve) => {
      // Its last output may still be in the pipe, which others may hold open.
      child.on("exit", () => setTimeout(resolve, 100));
      child.on("error", () => resolve());
    });
    // A write to a player that has ended shows in the missing answer.
    child.stdin!.on("error", () => {});
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const action = `start '${command.join(" ")}'`;
    try {
      const line = await within(nextOf(lines, ended), limit, () => group.kill(), action);
      if (line === undefined) throw new PlayerError(`Cannot ${action}: it ended before it was ready`);
      return new Player(child, group, lines, ended, greetingOf(line, action));
    } catch (error) {
      group.kill();
      throw error;
    }
  }

  /** Has a work done `n` times, in `parts`. The player is killed after `limit` milliseconds without an answer. */
  async play(
    work: string,
    n: number,
    { limit = 30_000, parts }: { limit?: number; parts?: number } = {},
  ): Promise<Played> {
    const order: Order = { id: ++this.#orders, work, n, parts };
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
    const line = await within(nextOf(this.#lines, this.#ended), limit, () => this.kill(), `play '${work}'`);
    if (line === undefined) throw new PlayerError(`Cannot play '${work}': the player ended`);
    const answer: Partial<Played> & { id: number; error?: string } = JSON.parse(line);
    if (answer.id !== order.id) {
      throw new PlayerError(`Cannot play '${work}': answer ${answer.id} came instead of ${order.id}`);
    }
    if (answer.ns === undefined) throw new PlayerError(`Cannot play '${work}': ${answer.error}`);
    const { ns, own, probeNs, probingNs } = answer;
    return { ns, own, probeNs, probingNs };
  }

  /**
   * How often a work has to be done so that it takes some `targetMs`, `least` times at least. The code is warm afterwards: the first times, in which
   * workers start and code is compiled, say little, so that two in a row must have come out right.
   */
  async countFor(work: string, targetMs: number, limit = 30_000, least = 1): Promise<number> {
    let n = least;
    for (let tries = 0, right = 0; tries < 15 && right < 2; tries++) {
      const ms = (await this.play(work, n, { limit })).ns / 1e6;
      // A work that takes that long with the fewest repetitions is warm by itself.
      if (n === least && ms > targetMs * LONG) return n;
      right = ms > targetMs / 2 && (ms < targetMs * 2 || n === least) ? right + 1 : 0;
      n = Math.max(least, Math.round(Math.min(n * targetMs / Math.max(ms, 1e-6), n * 10)));
    }
    return n;
  }

  /** Asks it to end; kills it after some seconds. */
  async end(): Promise<void> {
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.kill(), 5_000);
    await this.#ended;
    clearTimeout(timer);
    // Its children may still be running.
    this.kill();
  }

  /** Kills it and its children. */
  kill(): void {
    this.#group.kill();
  }
}

/**
 * Starts a program that kills a group when this program has ended for any reason: a player that is stopped, while others have
 * their turn, does not see the end of its input.
 */
function guard(group: number): ChildProcess {
  const program = `read _; kill -KILL -${group} 2> /dev/null`;
  return spawn("sh", ["-c", program], { stdio: ["pipe", "ignore", "ignore"], detached: true });
}

function greetingOf(line: string, action: string): Greeting {
  try {
    const greeting: Greeting & { ready?: boolean } = JSON.parse(line);
    if (greeting.ready === true) return greeting;
  } catch {
    // The error below says what it should be.
  }
  throw new PlayerError(`Cannot ${action}: its first line must be JSON with "ready": true: received '${line}'`);
}

/** The next line; `undefined` if there is none as the player has ended. */
async function nextOf(lines: AsyncIterator<string>, ended: Promise<void>): Promise<string | undefined> {
  const next = await Promise.race([lines.next(), ended]);
  return next === undefined || next.done ? undefined : next.value;
}

async function within<T>(promise: Promise<T>, limit: number, kill: () => void, action: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      kill();
      reject(new HangError(`Cannot ${action} within ${limit} ms: it hangs, and was killed`));
    }, limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
