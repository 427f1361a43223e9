/**
 * The JSON of a run of benchmarks: its contents, writing and reading.
 *
 * A run has groups: what is done. A group has contestants, which do it, and a contestant has samples. The samples are kept, and
 * not figures computed from them, so that other questions can be answered later.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { Checker } from "./checker.ts";
import type { Machine } from "./machine.ts";
import { UserError } from "./user_error.ts";

/** The version of the format. It changes when an old file can no longer be read as before. */
export const SCHEMA = 1;

/** One measurement. */
export interface Sample {
  /** In the group's unit. What something adds to memory may be below 0. */
  readonly value: number;
  /**
   * Time of the processor for each operation, including all threads and children. Absent if the system does not report it, or if
   * the player did more than the value includes.
   */
  readonly processorNs?: number;
  /** What the bare atomic operations of a lock took meanwhile, if the player reports it: see probe.ts. */
  readonly probeNs?: number;
  /** What others used of all processors meanwhile, and around it, from 0 to 1. Absent if unknown. */
  readonly othersShare?: number;
  /** Which start of the contestant's program it is from, from 0: programs differ by more than the samples of one. */
  readonly start: number;
}

/** What takes part in a group. */
export interface Contestant {
  readonly name: string;
  /** `Deno`, `Bun`, `Node`, `CPython`, `C`. */
  readonly runtime: string;
  /** Whether it is part of this library. The others show what the machine did meanwhile. */
  readonly ours: boolean;
  /** How many threads or processes it works with, where a group has several sizes. */
  readonly workers?: number;
  readonly samples: readonly Sample[];
  /** How many measurements were thrown away, since others disturbed them. */
  readonly dropped: number;
  /** What others used at most (from 0 to 1) in samples that were kept although they were disturbed, as there were too few others. */
  readonly busy?: number;
  /** What a reader must know about the figure: that it hangs, that it failed. */
  readonly note?: string;
  /** Whether it hung or failed on the way, as the note says: its samples show little. */
  readonly failed?: boolean;
}

/** What several contestants do. */
export interface Group {
  readonly name: string;
  /** What a value counts: `ns`, `bytes`. */
  readonly unit: string;
  readonly better: "less" | "more";
  readonly contestants: readonly Contestant[];
}

/** A whole run. */
export interface Run {
  readonly schema: typeof SCHEMA;
  readonly kind: "peers" | "cores" | "bench" | "distributed" | "account" | "fairness";
  readonly machine: Machine;
  /** In the form of ISO 8601. */
  readonly date: string;
  /** The command that runs it again. */
  readonly command: string;
  /** Whether it was a short run, whose figures are rough. */
  readonly quick: boolean;
  /** What else a reader must know, a sentence each: what was left out, which packages took part. */
  readonly notes?: readonly string[];
  /** How much of it there is, if it was stopped before its end: `3 of 40 groups`. */
  readonly stopped?: string;
  readonly groups: readonly Group[];
}

/** The label of a contestant in a table: its name, runtime and size. */
export function labelOf({ name, runtime, workers }: Pick<Contestant, "name" | "runtime" | "workers">): string {
  return `${name}, ${runtime}${workers === undefined ? "" : ` x ${workers}`}`;
}

/** How many samples a figure is made of, for a table: `9 from 3 starts`. */
export function samplesOf({ samples }: Contestant): string {
  const starts = new Set(samples.map(({ start }) => start)).size;
  return `${samples.length} from ${starts} ${starts === 1 ? "start" : "starts"}`;
}

/** The remark if it is unknown whether the machine was busy. */
export const LOAD_UNKNOWN =
  "This system does not tell what other programs used: the figures may be from a busy machine";

/** The remark about a figure, if any. */
export function remarkOf({ busy, note }: Pick<Contestant, "busy" | "note">): string | undefined {
  if (note !== undefined) return note;
  return busy === undefined ? undefined : `busy machine: others used up to ${(busy * 100).toFixed()} %`;
}

/** The remark about a run with figures that are, or may be, from a busy machine. `undefined` if none are. */
export function busyNoteOf({ groups }: Run): string | undefined {
  const all = groups.flatMap(({ contestants }) => contestants);
  const samples = all.flatMap(({ samples }) => samples);
  const unknown = samples.filter(({ othersShare }) => othersShare === undefined).length;
  if (unknown > 0 && unknown === samples.length) return LOAD_UNKNOWN;
  const shares = all.flatMap(({ busy }) => busy ?? []);
  if (shares.length === 0) return undefined;
  const part = `${(Math.max(...shares) * 100).toFixed()} %`;
  return `The machine was busy: in ${shares.length} of ${all.length} figures other programs used up to ${part} of it`;
}

/** The remark about a run that was stopped before its end. */
export function stoppedNoteOf({ stopped }: Pick<Run, "stopped">): string | undefined {
  return stopped === undefined ? undefined : `This is a part of a run that was stopped: ${stopped}`;
}

/**
 * Writes a run, each sample on a line of its own so that a change can be read. Makes the folder if it is missing. The file is
 * the old one or the new one, never a part of either. The run is checked only afterwards, so that one wrong sample does not lose
 * an hour's samples.
 */
export function writeRun(file: string, run: Run): void {
  const text = JSON.stringify(run, null, 1);
  mkdirSync(dirname(file), { recursive: true });
  const neighbour = `${file}.new`;
  writeFileSync(
    neighbour,
    text.replace(/\{\s*("value":[^}]*?)\s*\}/g, (_, inside) => `{ ${inside.replace(/\s+/g, " ")} }`) + "\n",
  );
  renameSync(neighbour, file);
  checkRun(run, file);
}

/** The task that makes results of a kind. */
export function taskOf(kind: Run["kind"]): string {
  return kind === "bench" ? "bench:record" : `bench:${kind}`;
}

/** Reads a run and checks it, and that it is of a kind if that matters. */
export function readRun(file: string, kind?: Run["kind"]): Run {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new UserError(
      `Cannot read results: ${file} must be a file that bench:record, bench:cores, bench:peers, bench:distributed, bench:account or bench:fairness wrote (--out=FILE): ${
        (cause as Error).message
      }`,
      { cause },
    );
  }
  const run = checkRun(value, file);
  if (kind === undefined || run.kind === kind) return run;
  throw new UserError(
    `Cannot read results: ${file} must have those of ${taskOf(kind)}: received those of ${taskOf(run.kind)}`,
  );
}

/** Reads a run to show it: it must have samples, too. */
export function readFigures(file: string, kind?: Run["kind"]): Run {
  const run = readRun(file, kind);
  if (run.groups.some(({ contestants }) => contestants.some(({ samples }) => samples.length > 0))) return run;
  throw new UserError(`Cannot read results: ${file} must have samples: received none, nothing was measured`);
}

/** Throws a `UserError` that names the place, unless the value is a run. */
export function checkRun(value: unknown, source: string): Run {
  const run = new Checker(source, "", value);
  const schema = run.at("schema").value;
  if (schema !== SCHEMA) run.at("schema").fail(`must be ${SCHEMA}, or the file made anew with this version`);
  run.at("kind").among("peers", "cores", "bench", "distributed", "account", "fairness");
  run.at("date").date();
  run.at("command").string();
  run.at("quick").boolean();
  run.at("stopped").optional()?.string();
  for (const note of run.at("notes").optional()?.elements() ?? []) note.string();
  const machine = run.at("machine");
  for (const name of ["processor", "system"]) machine.at(name).string();
  machine.at("cores").whole(1);
  machine.at("memory").number();
  const versions = machine.at("versions");
  for (const name of Object.keys(versions.object())) versions.at(name).string();
  for (const group of run.at("groups").elements()) {
    group.at("name").string();
    group.at("unit").string();
    group.at("better").among("less", "more");
    for (const contestant of group.at("contestants").elements()) checkContestant(contestant);
  }
  return value as Run;
}

function checkContestant(contestant: Checker): void {
  contestant.at("name").string();
  contestant.at("runtime").string();
  contestant.at("ours").boolean();
  contestant.at("dropped").whole(0);
  contestant.at("workers").optional()?.whole(1);
  contestant.at("busy").optional()?.number();
  contestant.at("note").optional()?.string();
  contestant.at("failed").optional()?.boolean();
  for (const sample of contestant.at("samples").elements()) {
    sample.at("value").finite();
    sample.at("start").whole(0);
    sample.at("processorNs").optional()?.number();
    sample.at("probeNs").optional()?.number();
    sample.at("othersShare").optional()?.number();
  }
}
