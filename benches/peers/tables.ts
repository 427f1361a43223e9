/** The tables of a run beside peers. */

import { inMarkdown } from "../lib/markdown.ts";
import { headOf } from "../lib/notes.ts";
import { type Group, labelOf, remarkOf, type Run, samplesOf } from "../lib/results.ts";
import { factor, over, type Place, placesOf } from "../lib/standings.ts";
import { formatNs, formatSpread, formatValue, table } from "../lib/table.ts";

/** What the columns are called, after the first, which has the contestants. */
export const COLUMNS = {
  time: "Time of one",
  memory: "Memory of one",
  use: "What it uses",
  spread: "Spread",
  samples: "Samples",
  processor: "Processor time",
  near: "Over the best on its runtime",
  far: "Over the best elsewhere",
  notes: "Notes",
} as const;

const READING =
  "This library's rows are bold, and say how many times as much they take as the best peer on the same runtime, and as the " +
  "best of those that run elsewhere: on Node, CPython or C";

/** A table for each group, in Markdown. */
export function tablesOf(measured: Run): string {
  const run = inMarkdown(measured);
  return [headOf(run, READING, run.notes ?? []), ...run.groups.map(tableOf)].join("\n\n");
}

/** One group, from the best to the worst. A column that would be empty is left out. */
export function tableOf(group: Group): string {
  const measured = placesOf(group).map((place) => rowOf(group, place));
  const others = group.contestants.filter(({ samples }) => samples.length === 0).map((contestant): Row => ({
    name: nameOf(contestant),
    notes: contestant.note ?? "no samples",
  }));
  const rows = [...measured, ...others];
  const better = `(${group.better} is better)`;
  const { time, memory, use } = COLUMNS;
  const names = { ...COLUMNS, time: `${time} ${better}`, memory: `${memory} ${better}`, use: `${use} ${better}` };
  const columns = (Object.keys(names) as (keyof typeof names)[]).filter((column) => rows.some((row) => row[column]));
  return table(
    [group.name, ...columns.map((column) => names[column])],
    rows.map((row) => [row.name, ...columns.map((column) => row[column] ?? "")]),
  );
}

/** A row, by column. */
type Row = { readonly name: string } & { readonly [K in keyof typeof COLUMNS]?: string };

function rowOf(group: Group, place: Place): Row {
  const { figures: { contestant, median, spread, processorNs } } = place;
  return {
    name: nameOf(contestant),
    [group.unit === "bytes" ? "memory" : group.unit === "ns" ? "time" : "use"]: formatValue(median, group.unit),
    spread: formatSpread(spread),
    samples: samplesOf(contestant),
    processor: processorNs === undefined || group.unit !== "ns" ? "" : formatNs(processorNs),
    ...besideBest(group, place),
    notes: notesOf(contestant.dropped, remarkOf(contestant)),
  };
}

/** Of ours: how many times as much it takes as the best peers, and which these are. Of a peer: whether it is among these. */
function besideBest(group: Group, { figures, standing, bestOn, isBestElsewhere }: Place): Pick<Row, "near" | "far"> {
  if (standing === undefined) {
    return {
      near: bestOn.length === 0 ? "" : `best on ${bestOn.join(" and ")}`,
      far: isBestElsewhere ? "best elsewhere" : "",
    };
  }
  const { near, far } = standing;
  return {
    near: near && `${factor(over(group, figures, near))} ${near.contestant.name}`,
    far: far && `${factor(over(group, figures, far))} ${labelOf(far.contestant)}`,
  };
}

function nameOf(contestant: Group["contestants"][number]): string {
  const text = labelOf({ ...contestant, workers: undefined });
  return contestant.ours ? `**${text}**` : text;
}

function notesOf(dropped: number, note: string | undefined): string {
  return [note, dropped > 0 ? `${dropped} disturbed, left out` : undefined].filter((each) => each !== undefined).join(
    "; ",
  );
}
