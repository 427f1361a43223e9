/**
 * How much of the processors other programs use during a measurement: the busy time of the processors minus the time of the
 * measured programs and of this one.
 *
 * Busy is what is not idle, so that time which a hypervisor took away counts as used by others, too. The time of a tree of
 * programs is that of the living, of all their threads, and of the children that they have waited for. Linux reports all of
 * this; elsewhere the use by others is unknown.
 */

import { readdirSync, readFileSync } from "node:fs";
import os from "node:os";
import process from "node:process";

/** Nanoseconds in the unit of time of /proc, which is the same on every machine. */
const TICK_NS = 1e7;
/** The largest error of rounding to ticks with one processor. With more processors it grows as their square root. */
const GRAIN_NS = 1.1 * TICK_NS;
/** What others may use in a valid measurement, in cores: so much of each, and so much of all. */
const [QUIET_PART, QUIET_CORES] = [0.05, 0.5];
/** In a shorter time the ticks do not show what others used. */
const LOOK_MS = 100;

/** Idle nanoseconds of the processors with these numbers, from the text of /proc/stat. */
export function parseIdle(stat: string, processors: ReadonlySet<number>): number {
  let ticks = 0;
  for (const [, number, times] of stat.matchAll(/^cpu(\d+) (.*)$/gm)) {
    if (!processors.has(Number(number))) continue;
    const [, , , idle = 0, waiting = 0] = times!.split(" ").map(Number);
    ticks += idle + waiting;
  }
  return ticks * TICK_NS;
}

/** Processors of a list as /proc has them: `0-3,8`. */
export function parseProcessors(list: string): Set<number> {
  const processors = new Set<number>();
  for (const part of list.trim().split(",")) {
    const [first, last = first] = part.split("-").map(Number);
    for (let i = first!; i <= last!; i++) processors.add(i);
  }
  return processors;
}

/** What /proc/PID/stat shows of a process. */
export interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** Nanoseconds of its threads, also of those that have ended, in steps of 10 ms. */
  readonly ownNs: number;
  /** Nanoseconds of the children that it has waited for. */
  readonly reapedNs: number;
}

/** Reads the text of /proc/PID/stat. */
export function parseProcess(text: string): ProcessStat {
  // The name is in brackets and may be anything, also brackets.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  return {
    pid: parseInt(text),
    parent: fields[1]!,
    session: fields[3]!,
    ownNs: (fields[11]! + fields[12]!) * TICK_NS,
    reapedNs: (fields[13]! + fields[14]!) * TICK_NS,
  };
}

/** The processes that a process started, including itself: its descendants, and the session that it leads. */
export function treeOf(root: number, all: readonly ProcessStat[]): ProcessStat[] {
  const children = Map.groupBy(all, (each) => each.parent);
  const found = new Set(all.filter((each) => each.pid === root || each.session === root));
  for (const each of found) for (const child of children.get(each.pid) ?? []) found.add(child);
  return [...found];
}

/** What had been used at a moment. */
export interface Usage {
  readonly at: number;
  /** The idle time of the processors. `undefined` if the system does not report how much of the rest is others'. */
  readonly idleNs: number | undefined;
  /** By the measured tree. `undefined` if the system does not report it. */
  readonly treeNs: number | undefined;
  /** By this process, if the tree is not its own. */
  readonly driverNs: number;
}

/** What was used between two moments. */
export interface Load {
  readonly wallNs: number;
  readonly processorNs: number | undefined;
  /** Of all processors, from 0 to 1. */
  readonly othersShare: number | undefined;
}

/** What was used between two moments by the tree and by others, on so many processors. */
export function loadBetween(before: Usage, after: Usage, processors: number): Load {
  const wallNs = after.at - before.at;
  if (
    before.treeNs === undefined || after.treeNs === undefined || before.idleNs === undefined ||
    after.idleNs === undefined
  ) {
    return { wallNs, processorNs: undefined, othersShare: undefined };
  }
  const capacity = wallNs * processors;
  const processorNs = Math.max(0, after.treeNs - before.treeNs);
  const busy = capacity - (after.idleNs - before.idleNs);
  const others = busy - processorNs - (after.driverNs - before.driverNs);
  return { wallNs, processorNs, othersShare: Math.min(1, Math.max(0, others / capacity)) };
}

/**
 * Whether others used so much that the measurement does not count. `undefined` if that is unknown, because the system does not
 * report it or the time was too short.
 */
export function isDisturbed({ wallNs, othersShare }: Load, processors: number): boolean | undefined {
  // A timer may be a little early.
  if (othersShare === undefined || wallNs < 0.95 * LOOK_MS * 1e6) return undefined;
  const allowed = Math.min(QUIET_PART * processors, QUIET_CORES);
  return othersShare * processors > allowed + GRAIN_NS * Math.sqrt(processors) / wallNs;
}

/** Reads the use of processors on this machine. */
export class LoadMeter {
  readonly processors: number;
  readonly #processors: Set<number> | undefined;
  readonly #clock = process.platform === "linux" ? openClock() : undefined;

  constructor() {
    if (process.platform === "linux") {
      const status = readFileSync("/proc/self/status", "utf8");
      this.#processors = parseProcessors(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)![1]!);
    }
    this.processors = this.#processors?.size ?? os.cpus().length;
  }

  /** What has been used until now by the tree of a process and by all. */
  read(root: number): Usage {
    const at = performance.now() * 1e6;
    const driver = process.cpuUsage();
    const driverNs = root === process.pid ? 0 : (driver.user + driver.system) * 1e3;
    if (this.#processors === undefined) return { at, idleNs: undefined, treeNs: undefined, driverNs };
    let treeNs = 0;
    for (const each of treeOf(root, readProcesses())) {
      treeNs += (this.#clock?.(each.pid) ?? each.ownNs) + each.reapedNs;
    }
    return { at, idleNs: parseIdle(readFileSync("/proc/stat", "utf8"), this.#processors), treeNs, driverNs };
  }

  /** Stops a process and the processes that it started, or lets them go on. Does nothing if the tree is not known. */
  signal(root: number, signal: "SIGSTOP" | "SIGCONT"): void {
    if (this.#processors === undefined) return;
    for (const { pid } of treeOf(root, readProcesses())) {
      try {
        process.kill(pid, signal);
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  /**
   * What has been used since `before`, once that is long enough ago to show what others used. Short measurements are judged by
   * the time around them.
   */
  async look(root: number, before: Usage): Promise<Load> {
    const over = performance.now() - before.at / 1e6;
    if (this.#processors !== undefined && over < LOOK_MS) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS - over));
    }
    return loadBetween(before, this.read(root), this.processors);
  }

  /**
   * Waits until others have used next to nothing for a moment. Gives up after `patience` milliseconds, or at once if the use
   * by others is unknown. Resolves to how long it waited.
   */
  async quiet(patience: number): Promise<number> {
    const begin = performance.now();
    const waited = (): number => performance.now() - begin;
    while (waited() < patience) {
      if (!isDisturbed(await this.look(process.pid, this.read(process.pid)), this.processors)) break;
    }
    return waited();
  }
}

function readProcesses(): ProcessStat[] {
  const found: ProcessStat[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d/.test(name)) continue;
    try {
      found.push(parseProcess(readFileSync(`/proc/${name}/stat`, "utf8")));
    } catch {
      // It has ended meanwhile.
    }
  }
  return found;
}

/**
 * The clock of a process, which counts nanoseconds of all its threads, also of those that have ended: /proc has them in steps
 * of 10 ms only. `undefined` if the C library is not available.
 */
export function openClock(): ((pid: number) => number | undefined) | undefined {
  try {
    const { symbols } = Deno.dlopen("libc.so.6", {
      clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
    });
    const time = new BigInt64Array(2);
    // The number of a process's clock, as the kernel makes it of the process's number: its scheduler's clock is 2.
    return (pid) =>
      symbols.clock_gettime((~pid << 3) | 2, time) === 0 ? Number(time[0]! * 1_000_000_000n + time[1]!) : undefined;
  } catch {
    return undefined;
  }
}
