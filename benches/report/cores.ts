/** The part of the report that shows the effect of more workers. */

import { CONTESTANTS } from "../cores/plan.ts";
import { type Point, pointsOf } from "../cores/speedup.ts";
import { Notes } from "../lib/notes.ts";
import type { Group, Run } from "../lib/results.ts";
import { figures, formatPart, table } from "../lib/table.ts";

/** The speed-up with as many workers as cores, and the share of the cores that it uses: a row for each job and runtime. */
export function speedups(run: Run): string {
  const { cores } = run.machine;
  const names = Object.values(CONTESTANTS);
  const notes = new Notes();
  const rows = run.groups.map((group) => {
    const points = pointsOf(group, cores).filter(({ workers }) => workers === cores);
    const cells = names.map((name) => cell(group, points.find((point) => point.name === name), notes));
    return [group.name, points[0]?.base ?? "", ...cells];
  });
  const head = [
    `${cores} workers on ${cores} cores`,
    "1.00 is",
    ...names.map((name) => `${name}: speed-up, efficiency`),
  ];
  return [table(head, rows), ...notes.below()].join("\n\n");
}

function cell(group: Group, point: Point | undefined, notes: Notes): string {
  if (point === undefined) return "";
  const { name, workers, doubt } = point;
  const efficiency = point.efficiency === undefined ? "" : `, ${formatPart(point.efficiency)}`;
  return `${figures(point.speedup)}${efficiency}${
    notes.mark({ about: `${group.name}: ${name} x ${workers}`, ...doubt })
  }`;
}
