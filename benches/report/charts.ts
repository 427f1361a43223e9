/** The charts of a report: which there are of a run, and what they are called. */

import type { TopLevelSpec } from "vega-lite";
import { chartOf as coresChart } from "../cores/chart.ts";
import type { Run } from "../lib/results.ts";
import { chartsOf as peersCharts } from "../peers/chart.ts";

/** A chart that is to be drawn. */
export interface Chart {
  /** What sets its file apart from the other charts of the run. */
  readonly name: string;
  readonly alt: string;
  readonly spec: TopLevelSpec;
}

/** The charts of a run. */
export function chartsOf(run: Run): Chart[] {
  if (run.kind === "cores") {
    return [{ name: "speedup", alt: "Speed-up with more workers, the ideal beside it", spec: coresChart(run) }];
  }
  if (run.kind === "peers") {
    return Object.entries(peersCharts(run)).map(([name, spec]) => ({ name, alt: `Beside peers: ${name}`, spec }));
  }
  return [];
}
