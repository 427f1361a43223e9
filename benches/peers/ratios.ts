/** How the contestants of a group stand to the best peer. */

import type { Contestant, Group } from "../lib/results.ts";
import { median, spread } from "../lib/stats.ts";

/** A contestant that has samples. */
export interface Standing {
  readonly contestant: Contestant;
  readonly value: number;
  /** `undefined` for a lone sample. */
  readonly spread: number | undefined;
  readonly processorNs: number | undefined;
  /** How many times the best peer's value; that of the best peer is 1. `undefined` where no peer has any. */
  readonly ratio: number | undefined;
  readonly best: boolean;
}

/** Those with samples, this library's first, then from the best to the worst. */
export function standingsOf({ contestants }: Group): Standing[] {
  const played = contestants.filter(({ samples }) => samples.length > 0);
  const valueOf = ({ samples }: Contestant): number => median(samples.map(({ value }) => value));
  const peers = played.filter(({ ours }) => !ours).sort((a, b) => valueOf(a) - valueOf(b));
  const ours = played.filter(({ ours }) => ours);
  const best = peers[0];
  return [...ours, ...peers].map((contestant) => {
    const processor = contestant.samples.flatMap(({ processorNs }) => processorNs ?? []);
    return {
      contestant,
      value: valueOf(contestant),
      spread: spread(contestant.samples.map(({ value }) => value)),
      processorNs: processor.length === 0 ? undefined : median(processor),
      ratio: best === undefined ? undefined : valueOf(contestant) / valueOf(best),
      best: contestant === best,
    };
  });
}
