/** The charts of a report: which charts a run has, and their names. */

import type { TopLevelSpec } from "vega-lite";
import { chartOf as coresChart } from "../cores/chart.ts";
import type { Run } from "../lib/results.ts";
import { chartsOf as peersCharts } from "../peers/chart.ts";

/** A chart that is to be drawn. */
export interface Chart {
  /** Distinguishes its file from the other charts of the run. */
  readonly name: string;
  /** What it shows, for readers that cannot see it. */
  readonly alt: string;
  readonly spec: TopLevelSpec;
}

/** The charts of a run. */
export function chartsOf(run: Run): Chart[] {
  const { cores } = run.machine;
  if (run.kind === "cores") {
    const alt =
      `Line charts, a chart for each job on each runtime: the speed-up with more workers on ${cores} cores. ` +
      "The figures are in the tables below.";
    return [{ name: "speedup", alt, spec: coresChart(run) }];
  }
  if (run.kind === "peers") {
    return peersCharts(run).map(({ name, title, spec }) => {
      const alt = `Bar charts, a chart for each work: this library and its peers. ${title}. ` +
        "The figures are in the tables below.";
      return { name, alt, spec };
    });
  }
  return [];
}
