/** The tables of a run across cores. */

import { inMarkdown } from "../lib/markdown.ts";
import { headOf } from "../lib/notes.ts";
import { type Group, remarkOf, type Run, samplesOf } from "../lib/results.ts";
import { median, spread } from "../lib/stats.ts";
import { figures, formatNs, formatPart, formatSpread, table } from "../lib/table.ts";
import { ALONE, type CoresRun } from "./plan.ts";
import { isTimed, pointsOf } from "./speedup.ts";

/** What the columns are called, after the first, which has the contestants. */
export const COLUMNS = {
  time: "Time of one",
  spread: "Spread",
  samples: "Samples",
  processor: "Processor time",
  speedup: "Speed-up",
  efficiency: "Efficiency",
  timesBare: "Over bare Workers",
  notes: "Notes",
} as const;

/** A table for each job and runtime, in Markdown. */
export function tablesOf(measured: CoresRun): string {
  const run = inMarkdown(measured);
  return [headOf(run, "", [run.note]), ...run.groups.map((group) => tableOf(group, run))].join("\n\n");
}

/** One job on one runtime. */
export function tableOf(group: Group, run: Run): string {
  const points = pointsOf(group, run.machine.cores);
  const names = [...new Set(group.contestants.map(({ name }) => name))];
  points.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name) || a.workers - b.workers);
  const rows = points.map((point) =>
    rowOf(`${point.name} x ${point.workers}`, {
      time: formatNs(point.ns),
      spread: formatSpread(point.spread),
      samples: point.samples,
      processor: point.processorNs === undefined ? "" : formatNs(point.processorNs),
      speedup: figures(point.speedup),
      efficiency: point.efficiency === undefined ? "" : formatPart(point.efficiency),
      timesBare: point.timesBare === undefined ? "" : `${figures(point.timesBare)} x`,
      notes: notesOf(point.dropped, point.note),
    })
  );
  const alone = group.contestants.find(({ name }) => name === ALONE);
  if (alone !== undefined && isTimed(alone)) {
    const values = alone.samples.map(({ value }) => value);
    rows.unshift(rowOf(ALONE, {
      time: formatNs(median(values)),
      spread: formatSpread(spread(values)),
      samples: samplesOf(alone),
      speedup: figures(1),
      notes: notesOf(alone.dropped, remarkOf(alone)),
    }));
  }
  for (const contestant of group.contestants.filter((each) => !isTimed(each))) {
    const { name, workers, samples, note } = contestant;
    const why = note ?? (samples.length === 0 ? "no samples" : "has samples of 0, which no speed-up can be told of");
    rows.push(rowOf(workers === undefined ? name : `${name} x ${workers}`, { notes: why }));
  }
  const base = points[0] === undefined ? "" : `, ${points[0].base} is 1`;
  const head = {
    ...COLUMNS,
    time: `${COLUMNS.time} (${group.better} is better)`,
    speedup: `${COLUMNS.speedup} (more is better${base})`,
  };
  return table([group.name, ...Object.values(head)], rows);
}

function rowOf(name: string, cells: Partial<Record<keyof typeof COLUMNS, string>>): string[] {
  return [name, ...(Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).map((column) => cells[column] ?? "")];
}

function notesOf(dropped: number, note: string | undefined): string {
  return [note, dropped > 0 ? `${dropped} disturbed, left out` : undefined].filter((each) => each !== undefined).join(
    "; ",
  );
}
