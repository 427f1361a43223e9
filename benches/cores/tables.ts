/** The tables of a run across cores. */

import { describeMachine } from "../lib/machine.ts";
import { busyNoteOf, type Group, remarkOf, type Run, samplesOf } from "../lib/results.ts";
import { median, spread } from "../lib/stats.ts";
import { figures, formatNs, formatPart, formatSpread, table } from "../lib/table.ts";
import { ALONE } from "./plan.ts";
import { pointsOf } from "./speedup.ts";

/** A table for each job and runtime, in Markdown. */
export function tablesOf(run: Run): string {
  const head = [
    `${describeMachine(run.machine)}. ${run.date.slice(0, 10)}, \`${run.command}\`.`,
    run.quick ? "A quick run: the figures are rough." : "",
    busyNoteOf(run) ?? "",
  ];
  return [head.filter((line) => line !== "").join("\n"), ...run.groups.map((group) => tableOf(group, run))].join(
    "\n\n",
  );
}

/** One job on one runtime. */
export function tableOf(group: Group, run: Run): string {
  const points = pointsOf(group, run.machine.cores).sort((a, b) => a.workers - b.workers);
  const names = [...new Set(group.contestants.map(({ name }) => name))];
  points.sort((a, b) => names.indexOf(a.name) - names.indexOf(b.name) || a.workers - b.workers);
  const rows = points.map((point) => [
    `${point.name} x ${point.workers}`,
    formatNs(point.ns),
    formatSpread(point.spread),
    point.samples,
    point.processorNs === undefined ? "" : formatNs(point.processorNs),
    figures(point.speedup),
    formatPart(point.efficiency),
    point.timesBare === undefined ? "" : `${figures(point.timesBare)} x`,
    notesOf(point.dropped, point.note),
  ]);
  const alone = group.contestants.find(({ name }) => name === ALONE);
  if (alone !== undefined && alone.samples.length > 0) {
    const values = alone.samples.map(({ value }) => value);
    const ns = median(values);
    rows.unshift([
      ALONE,
      formatNs(ns),
      formatSpread(spread(values)),
      samplesOf(alone),
      "",
      "1.00",
      "",
      "",
      notesOf(alone.dropped, remarkOf(alone)),
    ]);
  }
  for (const { name, workers, samples, note } of group.contestants) {
    if (samples.length === 0) {
      rows.push([`${name}${workers === undefined ? "" : ` x ${workers}`}`, note ?? "no samples"]);
    }
  }
  const head = [
    group.name,
    "Time of one",
    "Spread",
    "Samples",
    "Of the processor",
    "Speed-up",
    "Efficiency",
    "Time by bare",
    "",
  ];
  return table(head, rows);
}

function notesOf(dropped: number, note: string | undefined): string {
  return [note, dropped > 0 ? `${dropped} disturbed, left out` : undefined].filter((each) => each !== undefined).join(
    "; ",
  );
}
