/** The tables of a run of a fleet: the goals and results, and the figures of each group. */

import { inMarkdown } from "../lib/markdown.ts";
import { headOf, Notes, remarkOn } from "../lib/notes.ts";
import type { Group, Run } from "../lib/results.ts";
import { factor, type Figures, figuresOf } from "../lib/standings.ts";
import { quantile } from "../lib/stats.ts";
import { figures, formatValue, table } from "../lib/table.ts";
import { tableOf } from "../peers/tables.ts";
import { type PlayerName, rowOf, type Target } from "./plan.ts";

/** What the columns are called, after the first, which has what was done. */
export const COLUMNS = {
  runtime: "On",
  fleet: "Fleet",
  bullmq: "BullMQ",
  local: "Local pool",
  ratio: "Ratio",
  asked: "Asked",
  reached: "Reached",
} as const;

const READING = "Less is better, but for what is told by the second";

/** The goals, and a table for each group, in Markdown. */
export function tablesOf(measured: Run): string {
  const run = inMarkdown(measured);
  const groups = run.groups.filter(({ contestants }) => contestants.length > 0);
  return [headOf(run, READING, run.notes ?? []), asked(run), ...groups.map(tableOf)].join("\n\n");
}

/** What the fleet takes on each runtime, what its peers take, the goal, and whether it is reached. */
export function asked(run: Run): string {
  const notes = new Notes();
  const rows = run.groups.flatMap((group) =>
    [...new Set(group.contestants.map(({ runtime }) => runtime))].flatMap((runtime) => rowsOf(group, runtime, notes))
  );
  return [table(["Work", ...Object.values(COLUMNS)], rows, 2), ...notes.below()].join("\n\n");
}

function rowsOf(group: Group, runtime: string, notes: Notes): string[][] {
  const find = (name: PlayerName): Figures | undefined => {
    const contestant = group.contestants.find((each) => each.name === name && each.runtime === runtime);
    return contestant && figuresOf(contestant);
  };
  const row = rowOf(group.name);
  const fleet = find("fleet");
  if (row === undefined || fleet === undefined) return [];
  const cell = (one: Figures | undefined): string =>
    one === undefined ? "" : told(group, one.median, row.isRate) + notes.mark(remarkOn(group.name, one.contestant));
  return row.targets.map((target, i) => {
    const peer = target.peer && find(target.peer);
    const verdict = target.peer !== undefined && peer === undefined
      ? ["", `${limitOf(group, target, runtime)}`, "not measured"]
      : verdictOf(group, target, runtime, fleet, peer);
    const cells = [cell(fleet), cell(find("BullMQ")), cell(find("local pool"))];
    return [i === 0 ? group.name : "", runtime, ...(i === 0 ? cells : ["", "", ""]), ...verdict];
  });
}

/** A figure: the time of one, or how many there are in a second. */
function told({ unit }: Group, value: number, isRate: boolean): string {
  return isRate ? `${figures(1e9 / value)} /s` : formatValue(value, unit);
}

/** The ratio or figure with a goal, the goal, and whether it is reached. */
function verdictOf(group: Group, target: Target, runtime: string, fleet: Figures, peer: Figures | undefined): string[] {
  const { of } = target;
  const limit = askedOn(target, runtime);
  const asked = limitOf(group, target, runtime);
  if (of === "time over" || of === "rate over") {
    const ratio = of === "time over" ? fleet.median / peer!.median : peer!.median / fleet.median;
    const isReached = of === "time over" ? ratio <= limit : ratio >= limit;
    return [
      `${factor(ratio)} ${of === "time over" ? "the time" : "the rate"} of ${target.peer}`,
      asked,
      yes(isReached),
    ];
  }
  const value = of === "more than"
    ? fleet.median - peer!.median
    : of === "most"
    ? quantile(fleet.contestant.samples.map(({ value }) => value), 0.99)
    : fleet.median;
  const words = of === "more than" ? ` more than the ${target.peer}` : of === "most" ? ", p99" : "";
  return [formatValue(value, group.unit) + words, asked, yes(value <= limit)];
}

function limitOf({ unit }: Group, target: Target, runtime: string): string {
  const limit = askedOn(target, runtime);
  if (target.of === "rate over") return `${limit} x or more`;
  return target.of === "time over" ? `${limit} x or less` : `${formatValue(limit, unit)} or less`;
}

function askedOn({ asked }: Target, runtime: string): number {
  return typeof asked === "number" ? asked : asked[runtime] ?? NaN;
}

function yes(isReached: boolean): string {
  return isReached ? "yes" : "no";
}
