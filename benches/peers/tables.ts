/** The tables of a run beside peers. */

import { describeMachine } from "../lib/machine.ts";
import { busyNoteOf, type Group, remarkOf, type Run, samplesOf } from "../lib/results.ts";
import { factor, placesOf } from "../lib/standings.ts";
import { formatNs, formatSpread, formatValue, table } from "../lib/table.ts";

/** A table for each group, in Markdown. */
export function tablesOf(run: Run): string {
  const head = [
    `${describeMachine(run.machine)}. ${run.date.slice(0, 10)}, \`${run.command}\`.`,
    "Less is better; the best peer that can be had on a runtime is 1.",
    run.quick ? "A quick run: the figures are rough." : "",
    busyNoteOf(run) ?? "",
    ...run.notes ?? [],
  ];
  return [head.filter((line) => line !== "").join(" "), ...run.groups.map(tableOf)].join("\n\n");
}

/** One group. */
export function tableOf(group: Group): string {
  const rows = placesOf(group).map(({ figures: { contestant, median, spread, processorNs }, ratio, best }) => [
    nameOf(contestant),
    formatValue(median, group.unit),
    formatSpread(spread),
    samplesOf(contestant),
    processorNs === undefined || group.unit !== "ns" ? "" : formatNs(processorNs),
    best ? "1" : ratio === undefined ? "" : factor(ratio),
    notesOf(contestant.dropped, remarkOf(contestant)),
  ]);
  for (const contestant of group.contestants) {
    if (contestant.samples.length === 0) {
      rows.push([nameOf(contestant), "", "", "", "", "", contestant.note ?? "no samples"]);
    }
  }
  return table([
    group.name,
    group.unit === "ns" ? "Time of one" : "Of one",
    "Spread",
    "Samples",
    "Of the processor",
    "Best peer",
    "",
  ], rows);
}

function nameOf({ name, runtime, ours }: Group["contestants"][number]): string {
  const text = `${name}, ${runtime}`;
  return ours ? `**${text}**` : text;
}

function notesOf(dropped: number, note: string | undefined): string {
  return [note, dropped > 0 ? `${dropped} disturbed` : undefined].filter((each) => each !== undefined).join("; ");
}
