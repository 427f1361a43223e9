/** The chart of a run across cores: speed-up over workers, a small chart for each job on each runtime. */

import type { TopLevelSpec } from "vega-lite";
import { COLOURS, FAINT, PANELS, subtitleOf } from "../lib/chart.ts";
import type { Group } from "../lib/results.ts";
import { UserError } from "../lib/user_error.ts";
import { CONTESTANTS, type CoresRun } from "./plan.ts";
import { pointsOf } from "./speedup.ts";

const IDEAL = "ideal: every core is used";
/** Panels side by side, and pixels for the axis of each. */
const COLUMNS = 3, AXIS = 44;

/** The specification of the chart, for `toSvg`. */
export function chartOf(run: CoresRun): TopLevelSpec {
  const groups = run.groups.filter((group) => pointsOf(group, run.machine.cores).length > 0);
  if (groups.length === 0) {
    throw new UserError("Cannot draw chart: a job with workers must have samples: received none");
  }
  const columns = Math.min(COLUMNS, groups.length);
  const width = (PANELS.width - (columns - 1) * PANELS.gap) / columns - AXIS;
  const hasIdeal = groups.some((group) => pointsOf(group, run.machine.cores).some(({ ideal }) => ideal !== undefined));
  const names = [...Object.values(CONTESTANTS), ...(hasIdeal ? [IDEAL] : [])];
  const isBanded = groups.some(({ contestants }) => contestants.some(({ samples }) => samples.length > 1));
  return {
    title: {
      text: "Speed-up with more workers",
      subtitle: subtitleOf(
        run,
        "Higher is better. 1 is the job without workers; where all workers want one thing, 1 is with the fewest of them",
        isBanded ? "Lines are medians, bands have the middle half of the samples" : "Each point is one sample",
        ...[run.note ?? []].flat(),
      ),
      anchor: "start",
    },
    columns,
    spacing: { row: 24, column: PANELS.gap },
    concat: groups.map((group) => panelOf(group, run.machine.cores, width, names)),
  };
}

/** One job on one runtime. */
function panelOf(
  group: Group,
  cores: number,
  width: number,
  names: readonly string[],
): Extract<TopLevelSpec, { concat: unknown }>["concat"][number] {
  const measured = pointsOf(group, cores);
  const ideal = new Map(
    measured.flatMap(({ workers, ideal }) => ideal === undefined ? [] : [[workers, ideal] as const]),
  );
  const points = [
    ...measured.map(({ name, workers, speedup, low, high }) => ({ name, workers, speedup, low, high })),
    ...[...ideal].map(([workers, speedup]) => ({ name: IDEAL, workers, speedup })),
  ];
  const sizes = [...new Set(points.map(({ workers }) => workers))].sort((a, b) => a - b);
  const x = {
    field: "workers",
    type: "quantitative",
    title: "workers",
    scale: { type: "log", base: 2, nice: false },
    axis: { values: sizes, grid: false, format: "d" },
  } as const;
  const y = { type: "quantitative", title: "speed-up", scale: { zero: true }, axis: { tickCount: 5 } } as const;
  const color = {
    field: "name",
    type: "nominal",
    title: null,
    scale: { domain: [...names], range: names.map((name, i) => name === IDEAL ? FAINT : COLOURS[i]!) },
    legend: {
      orient: "top",
      columns: 4,
      symbolOpacity: 1,
      symbolType: "stroke",
      symbolSize: 300,
      symbolStrokeWidth: 2,
    },
  } as const;
  const strokeDash = {
    field: "name",
    type: "nominal",
    scale: { domain: [...names], range: names.map((name) => name === IDEAL ? [5, 3] : [1, 0]) },
    legend: {
      orient: "top",
      columns: 4,
      title: null,
      symbolOpacity: 1,
      symbolType: "stroke",
      symbolSize: 300,
      symbolStrokeWidth: 2,
    },
  } as const;
  return {
    title: { text: group.name, fontSize: 13, anchor: "start", offset: 8 },
    data: { values: points },
    width,
    height: 150,
    layer: [
      {
        mark: { type: "area", opacity: 0.18 },
        transform: [{ filter: "isValid(datum.low)" }],
        encoding: { x, y: { ...y, field: "low" }, y2: { field: "high" }, color },
      },
      {
        mark: { type: "line", strokeWidth: 1.8 },
        encoding: { x, y: { ...y, field: "speedup" }, color, strokeDash },
      },
      {
        mark: { type: "point", filled: true, size: 28, opacity: 1 },
        transform: [{ filter: "isValid(datum.low)" }],
        encoding: { x, y: { ...y, field: "speedup" }, color },
      },
    ],
  };
}
