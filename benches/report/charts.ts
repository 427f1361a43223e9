/** The charts of a report: which there are of a run, and what they are called. */

import type { TopLevelSpec } from "vega-lite";
import { chartOf as coresChart } from "../cores/chart.ts";
import type { Run } from "../lib/results.ts";
import { chartsOf as peersCharts } from "../peers/chart.ts";

/** A chart that is to be drawn. */
export interface Chart {
  /** What sets its file apart from the other charts of the run. */
  readonly name: string;
  /** What it shows, for readers that do not see it. */
  readonly alt: string;
  readonly spec: TopLevelSpec;
}

/** The charts of a run. */
export function chartsOf(run: Run): Chart[] {
  const { cores } = run.machine;
  if (run.kind === "cores") {
    const alt = `Line charts, one for each job on each runtime: the speed-up with more workers on ${cores} cores. ` +
      "The figures are in the tables below.";
    return [{ name: "speedup", alt, spec: coresChart(run) }];
  }
  if (run.kind === "peers") {
    return peersCharts(run).map(({ name, title, spec }) => {
      const alt = `Bar charts, one for each work: what this library and its peers take. ${title}. ` +
        "The figures are in the tables below.";
      return { name, alt, spec };
    });
  }
  return [];
}
