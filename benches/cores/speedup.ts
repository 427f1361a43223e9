/** How many times as fast a job is with so many workers. */

import { type Contestant, type Group, remarkOf, samplesOf } from "../lib/results.ts";
import { median, quantile, spread } from "../lib/stats.ts";
import { ALONE, jobOf } from "./plan.ts";

/** A contestant's figures. */
export interface Point {
  readonly name: string;
  readonly workers: number;
  /** The median time of one. */
  readonly ns: number;
  /** `undefined` for a single sample. */
  readonly spread: number | undefined;
  /** How many there are. */
  readonly samples: string;
  readonly processorNs: number | undefined;
  /** The median, and where the middle half of the samples lies. */
  readonly speedup: number;
  readonly low: number;
  readonly high: number;
  /** What the speed-up counts from: the figure with a speed-up of 1. */
  readonly base: string;
  /** The speed-up divided by the ideal speed-up. `undefined` if more workers cannot make it faster. */
  readonly efficiency: number | undefined;
  /** The speed-up if only cores were missing: the cores that so many workers can have, divided by those of the base. */
  readonly ideal: number | undefined;
  /** How many times as long as bare workers of the same number it takes. */
  readonly timesBare: number | undefined;
  readonly dropped: number;
  /** The remark about it. */
  readonly note: string | undefined;
  /** The remark about the speed-up alone: a failure, and what others used meanwhile or while the base was measured. */
  readonly doubt: Pick<Contestant, "note" | "busy">;
}

/** Whether a contestant has samples for a speed-up: nothing is so many times as fast as 0. */
export function isTimed({ samples }: Contestant): boolean {
  return samples.length > 0 && samples.every(({ value }) => value > 0);
}

/**
 * The figures of those contestants that are timed. The speed-up counts from the job without workers where there is that,
 * else from the contestant's own figure for the fewest workers.
 */
export function pointsOf({ name: group, contestants }: Group, cores: number): Point[] {
  const measured = contestants.filter(isTimed);
  const alone = measured.find(({ name }) => name === ALONE);
  const scales = jobOf(group)?.scales ?? true;
  const points: Point[] = [];
  for (const one of measured) {
    if (one.workers === undefined) continue;
    const reference = alone ?? fewestOf(measured.filter(({ name }) => name === one.name));
    const ideal = scales ? Math.min(one.workers, cores) / Math.min(reference.workers ?? 1, cores) : undefined;
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
      base: baseOf(reference),
      efficiency: ideal && speedup / ideal,
      ideal,
      timesBare: bare === undefined || bare === one ? undefined : median(values) / median(valuesOf(bare)),
      dropped: one.dropped,
      note: noteOf(one, reference, bare),
      doubt: { note: one.note, busy: one.busy ?? reference.busy },
    });
  }
  return points;
}

function baseOf({ workers }: Contestant): string {
  return workers === undefined ? ALONE : `${workers} ${workers === 1 ? "worker" : "workers"}`;
}

function fewestOf(contestants: readonly Contestant[]): Contestant {
  return contestants.reduce((a, b) => (b.workers ?? 0) < (a.workers ?? 0) ? b : a);
}

/** The remark about a figure, or about its reference: a reference from a busy machine makes all others look fast. */
function noteOf(one: Contestant, reference: Contestant, bare: Contestant | undefined): string | undefined {
  const own = remarkOf(one);
  if (own !== undefined) return own;
  if (reference.busy !== undefined) return `speed-up from a figure of a ${remarkOf({ busy: reference.busy })}`;
  if (bare?.busy !== undefined) return `bare Workers: ${remarkOf({ busy: bare.busy })}`;
  return undefined;
}

function valuesOf({ samples }: Contestant): number[] {
  return samples.map(({ value }) => value);
}
