/** The part of the report that shows what more workers bring. */

import { CONTESTANTS } from "../cores/plan.ts";
import { type Point, pointsOf } from "../cores/speedup.ts";
import type { Run } from "../lib/results.ts";
import { figures, formatPart, table } from "../lib/table.ts";

/** The speed-up with as many workers as there are cores, and what part of these it uses: a row for each job and runtime. */
export function speedups(run: Run): string {
  const { cores } = run.machine;
  const names = Object.values(CONTESTANTS);
  const rows = run.groups.map((group) => {
    const points = pointsOf(group, cores).filter(({ workers }) => workers === cores);
    return [group.name, ...names.map((name) => cell(points.find((point) => point.name === name)))];
  });
  return table([`${cores} workers on ${cores} cores`, ...names], rows);
}

function cell(point: Point | undefined): string {
  if (point === undefined) return "";
  const noted = point.note === undefined ? "" : " (see note)";
  return `${figures(point.speedup)}, ${formatPart(point.efficiency)}${noted}`;
}
