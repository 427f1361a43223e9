/** How many times as fast a job is with so many workers. */

import { type Contestant, type Group, remarkOf, samplesOf } from "../lib/results.ts";
import { median, quantile, spread } from "../lib/stats.ts";
import { ALONE } from "./plan.ts";

/** A contestant's figures. */
export interface Point {
  readonly name: string;
  readonly workers: number;
  /** The median time of one. */
  readonly ns: number;
  /** `undefined` for a lone sample. */
  readonly spread: number | undefined;
  /** How many there are. */
  readonly samples: string;
  readonly processorNs: number | undefined;
  /** The median, and where the middle half of the samples lies. */
  readonly speedup: number;
  readonly low: number;
  readonly high: number;
  /** The speed-up by the cores that so many workers can have. */
  readonly efficiency: number;
  /** How many times as long as bare workers of the same number it takes. */
  readonly timesBare: number | undefined;
  readonly dropped: number;
  /** What has to be said beside it. */
  readonly note: string | undefined;
}

/**
 * The figures of those contestants that have samples. The speed-up counts from the job without workers where there is that,
 * else from the contestant's own figure for one worker.
 */
export function pointsOf({ contestants }: Group, cores: number): Point[] {
  const measured = contestants.filter(({ samples }) => samples.length > 0);
  const alone = measured.find(({ name }) => name === ALONE);
  const points: Point[] = [];
  for (const one of measured) {
    if (one.workers === undefined) continue;
    const reference = alone ?? measured.find(({ name, workers }) => name === one.name && workers === 1);
    if (reference === undefined) continue;
    const from = median(valuesOf(reference));
    const values = valuesOf(one);
    const bare = measured.find(({ name, ours, workers }) => !ours && name !== ALONE && workers === one.workers);
    const speedup = from / median(values);
    const processor = one.samples.flatMap(({ processorNs }) => processorNs ?? []);
    points.push({
      name: one.name,
      workers: one.workers,
      ns: median(values),
      spread: spread(values),
      samples: samplesOf(one),
      processorNs: processor.length === 0 ? undefined : median(processor),
      speedup,
      low: from / quantile(values, 0.75),
      high: from / quantile(values, 0.25),
      efficiency: speedup / Math.min(one.workers, cores),
      timesBare: bare === undefined || bare === one ? undefined : median(values) / median(valuesOf(bare)),
      dropped: one.dropped,
      note: remarkOf(one),
    });
  }
  return points;
}

function valuesOf({ samples }: Contestant): number[] {
  return samples.map(({ value }) => value);
}
