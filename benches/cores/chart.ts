/** The chart of a run across cores: speed-up over workers, a small chart for each job and runtime. */

import type { TopLevelSpec } from "vega-lite";
import { COLOURS, FAINT } from "../lib/chart.ts";
import { describeMachine } from "../lib/machine.ts";
import { busyNoteOf } from "../lib/results.ts";
import { CONTESTANTS, type CoresRun } from "./plan.ts";
import { pointsOf } from "./speedup.ts";

const IDEAL = "ideal";

/** The specification of the chart, for `toSvg`. */
export function chartOf(run: CoresRun): TopLevelSpec {
  const { cores } = run.machine;
  const points = run.groups.flatMap((group) => {
    const [title, runtime] = partsOf(group.name);
    const measured = pointsOf(group, cores);
    const ideal = new Map(measured.map(({ workers, ideal }) => [workers, ideal]));
    return [
      ...measured.map(({ name, workers, speedup, low, high }) => (
        { title, runtime, name, workers, speedup, low, high }
      )),
      ...[...ideal].map(([workers, speedup]) => ({ title, runtime, name: IDEAL, workers, speedup })),
    ];
  });
  const sizes = [...new Set(points.map(({ workers }) => workers))].sort((a, b) => a - b);
  const runtimes = [...new Set(points.map(({ runtime }) => runtime))];
  const titles = [...new Set(points.map(({ title }) => title))];
  const workers = {
    field: "workers",
    type: "quantitative",
    title: "workers",
    scale: { type: "log", base: 2, nice: false },
    axis: { values: sizes, grid: false, format: "d" },
  } as const;
  const color = {
    field: "name",
    type: "nominal",
    title: null,
    sort: null,
    scale: { domain: [...Object.values(CONTESTANTS), IDEAL], range: [...COLOURS.slice(0, 3), FAINT] },
    legend: { orient: "top", symbolOpacity: 1 },
  } as const;
  const ofName = (ideal: boolean) => ({ filter: `(datum.name === '${IDEAL}') === ${ideal}` });
  return {
    title: { text: "Speed-up with more workers", subtitle: [describeMachine(run.machine), ...subtitleOf(run)] },
    data: { values: points },
    facet: {
      column: { field: "title", type: "nominal", title: null, sort: titles },
      row: { field: "runtime", type: "nominal", title: null, sort: runtimes },
    },
    spec: {
      width: 130,
      height: 130,
      layer: [
        {
          transform: [ofName(true)],
          mark: { type: "line", strokeDash: [4, 3], strokeWidth: 1.2 },
          encoding: { x: workers, y: { field: "speedup", type: "quantitative", title: "speed-up" }, color },
        },
        {
          transform: [ofName(false)],
          mark: { type: "area", opacity: 0.18 },
          encoding: {
            x: workers,
            y: { field: "low", type: "quantitative" },
            y2: { field: "high" },
            color,
          },
        },
        {
          transform: [ofName(false)],
          mark: { type: "line", strokeWidth: 1.8, point: { size: 28 } },
          encoding: { x: workers, y: { field: "speedup", type: "quantitative" }, color },
        },
      ],
    },
    resolve: { axis: { x: "independent", y: "independent" } },
  };
}

function partsOf(group: string): [title: string, runtime: string] {
  const at = group.lastIndexOf(" (");
  return [group.slice(0, at), group.slice(at + 2, -1)];
}

function subtitleOf(run: CoresRun): string[] {
  const busy = busyNoteOf(run);
  return [
    `${run.date.slice(0, 10)}, ${run.command}${run.quick ? " (quick: the figures are rough)" : ""}`,
    "Lines are medians, bands have the middle half of the samples",
    ...(busy === undefined ? [] : [busy]),
    ...(run.note === undefined ? [] : [run.note]),
  ];
}
