/** The charts of a run beside peers: for each part of the works bars from the best peer, which is 1, on a logarithmic scale. */

import type { TopLevelSpec } from "vega-lite";
import { COLOURS } from "../lib/chart.ts";
import { describeMachine } from "../lib/machine.ts";
import { busyNoteOf, type Group, labelOf, type Run } from "../lib/results.ts";
import { noteMark, placesOf } from "../lib/standings.ts";
import { formatValue } from "../lib/table.ts";
import { type Section, SECTIONS, WORKS } from "./works.ts";

const RUNTIMES = ["Deno", "Bun", "Node", "CPython", "C"];
const TITLES: Readonly<Record<Section, string>> = {
  starting: "Starting threads and processes",
  free: "Primitives while nothing else wants them",
  contended: "Locks that several want",
  messages: "Queues and pipes",
  pools: "Pools",
};

/** The specification of the chart of each part that the run has, for `toSvg`. */
export function chartsOf(run: Run): Partial<Record<Section, TopLevelSpec>> {
  const charts: Partial<Record<Section, TopLevelSpec>> = {};
  for (const section of SECTIONS) {
    const titles = WORKS.filter((work) => work.section === section).map(({ title }) => title);
    const groups = run.groups.filter((group) =>
      titles.includes(group.name.replace(/ \((threads|processes)\)$/, "")) &&
      placesOf(group).some(({ ratio }) => ratio !== undefined)
    );
    if (groups.length > 0) charts[section] = chartOf(run, section, groups);
  }
  return charts;
}

function chartOf(run: Run, section: Section, groups: readonly Group[]): TopLevelSpec {
  return {
    title: {
      text: TITLES[section],
      subtitle: [
        describeMachine(run.machine),
        `${run.date.slice(0, 10)}, ${run.command}${run.quick ? " (quick: the figures are rough)" : ""}`,
        "Times as good as the best peer that can be had on the same runtime, which is 1: to the right is better.",
        "The full bars are this library's",
        ...[busyNoteOf(run) ?? []].flat(),
      ],
      anchor: "start",
    },
    columns: 2,
    spacing: { row: 24, column: 24 },
    concat: groups.map(barsOf),
  };
}

/** The bars of one group. */
function barsOf(group: Group): Extract<TopLevelSpec, { concat: unknown }>["concat"][number] {
  const bars = placesOf(group).flatMap(({ figures, ratio }, order) =>
    ratio === undefined ? [] : [{
      label: labelOf(figures.contestant),
      runtime: figures.contestant.runtime,
      order,
      opacity: figures.contestant.ours ? 1 : 0.45,
      // The better, the farther to the right.
      advantage: 1 / ratio,
      text: formatValue(figures.median, group.unit) + noteMark(figures),
    }]
  );
  // Room for the value behind the bars.
  const most = Math.max(1, ...bars.map(({ advantage }) => advantage));
  const least = Math.min(1, ...bars.map(({ advantage }) => advantage));
  const room = Math.max(2, most / least) ** 0.3;
  const y = {
    field: "label",
    type: "nominal",
    title: null,
    sort: { field: "order" },
    axis: { ticks: false, domain: false, labelLimit: 320 },
  } as const;
  const domain: number[] = [least, most * room];
  const x = {
    field: "advantage",
    type: "quantitative",
    title: null,
    scale: { type: "log", nice: false, domain },
    axis: { format: "~g", tickCount: 4, labelOverlap: true },
  } as const;
  return {
    title: { text: group.name, fontSize: 12, anchor: "start" },
    data: { values: bars },
    width: 250,
    height: { step: 15 },
    layer: [
      {
        mark: { type: "bar", height: 10 },
        encoding: {
          x,
          x2: { datum: 1 },
          y,
          color: {
            field: "runtime",
            type: "nominal",
            title: null,
            scale: { domain: RUNTIMES, range: COLOURS.slice(0, RUNTIMES.length) },
            legend: { orient: "top" },
          },
          opacity: { field: "opacity", type: "quantitative", scale: null, legend: null },
        },
      },
      { mark: { type: "rule" }, encoding: { x: { datum: 1, scale: x.scale } } },
      {
        // Beside the bar's end, or beside the line of 1 where the bar goes to the left.
        transform: [{ calculate: "max(datum.advantage, 1)", as: "end" }],
        mark: { type: "text", align: "left", dx: 4, fontSize: 9 },
        encoding: { x: { ...x, field: "end" }, y, text: { field: "text" } },
      },
    ],
  };
}
