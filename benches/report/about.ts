/** The part of the report that describes the works and contestants of a run: a line for each. */

import { ABOUT as ABOUT_CORES, jobOf } from "../cores/plan.ts";
import { ABOUT as ABOUT_DISTRIBUTED, rowOf } from "../distributed/plan.ts";
import type { Run } from "../lib/results.ts";
import { table } from "../lib/table.ts";
import { aboutContestant } from "../peers/about.ts";
import { groupName, SCOPES } from "../peers/work.ts";
import { WORKS } from "../peers/works.ts";
import { aboutGroup } from "./short_benches.ts";

/** The works of a run of bench:peers, and its contestants. */
export function aboutPeers({ groups }: Run): string {
  const names = new Set(groups.map(({ name }) => name));
  const works = WORKS.filter((work) => SCOPES.some((scope) => names.has(groupName(work, scope))));
  const contestants = new Map<string, string>();
  for (const { name, runtime } of groups.flatMap((group) => group.contestants)) {
    const about = aboutContestant(name, runtime);
    if (about !== undefined) contestants.set(`${name}\n${about}`, about);
  }
  return both(
    works.map(({ title, about }) => [title, about]),
    [...contestants].map(([key, about]) => [key.split("\n")[0]!, about]),
  );
}

/** The jobs of a run of bench:cores, and its contestants. */
export function aboutCores({ groups }: Run): string {
  const jobs = new Map(
    groups.flatMap(({ name }) => jobOf(name) ?? []).map(({ title, about }) => [title, about] as const),
  );
  const names = new Set(groups.flatMap(({ contestants }) => contestants.map(({ name }) => name)));
  return both([...jobs], Object.entries(ABOUT_CORES).filter(([name]) => names.has(name)));
}

/** The rows of a run of bench:distributed, and its contestants. */
export function aboutDistributed({ groups }: Run): string {
  const rows = groups.flatMap(({ name }) => rowOf(name) ?? []).map(({ title, about }) => [title, about]);
  const names = new Set(groups.flatMap(({ contestants }) => contestants.map(({ name }) => name)));
  return both(rows, Object.entries(ABOUT_DISTRIBUTED).filter(([name]) => names.has(name)));
}

/** The groups of a run of the short benches. */
export function aboutBench({ groups }: Run): string {
  const works = groups.flatMap(({ name }) => {
    const about = aboutGroup(name);
    return about === undefined ? [] : [[name, about]];
  });
  return both(works, []);
}

/** Two tables, folded; nothing if no work and no contestant of the run has a description. */
function both(works: readonly string[][], contestants: readonly string[][]): string {
  const tables = [
    ...(works.length === 0 ? [] : [table(["Work", "What is done"], works, 2)]),
    ...(contestants.length === 0 ? [] : [table(["Contestant", "What it is"], contestants, 2)]),
  ];
  if (tables.length === 0) return "";
  return ["<details><summary>The works and the contestants</summary>", ...tables, "</details>"].join("\n\n");
}
