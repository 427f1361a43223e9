/** Runs of benchmarks that were made and not measured, with the noise that measured ones have. */

import type { Contestant, Run, Sample } from "../../benches/lib/results.ts";

/** What a made run is like. */
export interface Made {
  readonly seed: number;
  readonly starts: number;
  readonly rounds: number;
  /** By how much the whole machine is slower. */
  readonly machine?: number;
  /** How much of the time another machine uses the same core, unseen but for what atomic operations take; absent: not probed. */
  readonly shared?: number;
  /** By name of a contestant: how many times as long it takes. */
  readonly slower?: Readonly<Record<string, number>>;
}

/** Numbers from 0 to 1 that look like chance and are the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A run of 60 contestants, every third of them not ours. Samples of one start lie within 3 % or so of each other, some 5 % of them
 * far above; starts differ by 2 to 4 %, and those of some contestants come in two kinds that are 12 % apart.
 */
export function makeRun({ seed, starts, rounds, machine = 1, shared, slower = {} }: Made): Run {
  const random = randomFrom(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const contestants = Array.from({ length: 60 }, (_, i): Contestant => {
    const name = `work ${i}`;
    const base = 100 * (i + 1) * machine * (slower[name] ?? 1);
    const samples: Sample[] = [];
    for (let start = 0; start < starts; start++) {
      const ofTwoKinds = i % 10 === 7 && random() < 0.5 ? 1.12 : 1;
      const ofStart = base * ofTwoKinds * Math.exp(normal() * (0.02 + i % 3 * 0.01));
      for (let round = 0; round < rounds; round++) {
        const far = random() < 0.05 ? 1 + random() * 0.6 : 1;
        const quiet = ofStart * far * Math.exp(normal() * 0.03);
        const common = { processorNs: 1, othersShare: 0, start };
        if (shared === undefined) {
          samples.push({ value: quiet, ...common });
          continue;
        }
        // Some contestants are nothing but atomic operations, others have few of them. States last longer than a round.
        const part = random() < shared ? 0.6 + 0.4 * random() : 0.2 * random();
        const probeNs = 20 * (1 + 0.8 * part) * Math.exp(normal() * 0.02);
        samples.push({ value: quiet * (1 + 0.8 * part) ** (i % 4 / 3), probeNs, ...common });
      }
    }
    return { name, runtime: "Deno", ours: i % 3 !== 0, samples, dropped: 0 };
  });
  return {
    schema: 1,
    kind: "peers",
    machine: { processor: "made", cores: 2, memory: 2 ** 30, system: "none", versions: { Deno: "2.9.6" } },
    date: "2026-11-28T12:00:00.000Z",
    command: "made",
    quick: false,
    groups: [{ name: "made", unit: "ns", better: "less", contestants }],
  };
}
