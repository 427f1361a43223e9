/** Contestants in turns, for the programs that are run by hand. */

/** A program, or a part of this one, that does so many operations a second. */
export interface Contestant {
  name: string;
  /** Returns operations a second; `undefined` where it cannot be run on this machine. */
  run: () => number | undefined | Promise<number | undefined>;
}

/**
 * Runs the contestants in turns, `rounds` times, and prints the median and the best of each, and how many times as fast the
 * first is by either. Where other programs are busy, the best is nearer to what the contestant does by itself.
 */
export async function compare(title: string, contestants: Contestant[], rounds = 5): Promise<void> {
  const results = contestants.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contestant] of contestants.entries()) {
      const result = await contestant.run();
      if (result !== undefined) results[i]!.push(result);
    }
  }
  for (const of of results) of.sort((a, b) => b - a);
  const medians = results.map((of) => of[of.length >> 1]);
  const bests = results.map((of) => of[0]);
  console.log(`\n${title}`);
  for (const [i, contestant] of contestants.entries()) {
    const median = medians[i];
    const best = bests[i];
    const line = median === undefined || best === undefined
      ? "not installed"
      : `${rate(median).padStart(10)}, best ${rate(best).padStart(10)}${
        i === 0
          ? ""
          : `   first is ${(medians[0]! / median).toFixed(2)} x, by the best ${(bests[0]! / best).toFixed(2)} x`
      }`;
    console.log(`  ${contestant.name.padEnd(44)} ${line}`);
  }
}

function rate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M/s`;
  return perSecond >= 1e3 ? `${(perSecond / 1e3).toFixed(1)} k/s` : `${perSecond.toFixed(1)} /s`;
}

/** Operations a second of a Python program that prints them; `undefined` without `python3`. */
export async function python(source: string): Promise<number | undefined> {
  const { execFile } = await import("node:child_process");
  return await new Promise((resolve) => {
    execFile("python3", ["-c", source], { timeout: 120_000 }, (error, stdout) => {
      resolve(error === null ? Number(stdout.trim()) : undefined);
    });
  });
}
