import { describe, it } from "node:test";
import { assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { ALONE, CONTESTANTS, jobNamed, JOBS, sizesOf } from "../../benches/cores/plan.ts";
import { pointsOf } from "../../benches/cores/speedup.ts";
import { tablesOf } from "../../benches/cores/tables.ts";
import type { Contestant, Group } from "../../benches/lib/results.ts";
import { makeRun } from "./_made_runs.ts";

const LIMIT = { timeout: 10_000 };

function contestant(name: string, workers: number | undefined, values: readonly number[]): Contestant {
  const samples = values.map((value, start) => ({ value, start, processorNs: 100, othersShare: 0 }));
  return { name, runtime: "Deno", ours: name !== CONTESTANTS.bare && name !== ALONE, workers, samples, dropped: 0 };
}

const GROUP: Group = {
  name: "Mandelbrot, Deno",
  unit: "ns",
  better: "less",
  contestants: [
    contestant(ALONE, undefined, [90, 100, 110]),
    contestant(CONTESTANTS.threads, 1, [125]),
    contestant(CONTESTANTS.threads, 2, [40, 50, 60, 50, 50]),
    contestant(CONTESTANTS.threads, 4, [50]),
    contestant(CONTESTANTS.bare, 2, [40]),
    contestant(CONTESTANTS.processes, 2, []),
  ],
};

describe("benchmarks across cores", () => {
  it("have sizes up to twice the number of cores", LIMIT, () => {
    assertEquals(sizesOf(1), [1, 2]);
    assertEquals(sizesOf(2), [1, 2, 4]);
    assertEquals(sizesOf(6), [1, 2, 4, 6, 12]);
    assertEquals(sizesOf(16), [1, 2, 4, 8, 16, 32]);
  });

  it("count the speed-up from the job without workers", LIMIT, () => {
    const [one, two, four, bare] = pointsOf(GROUP, 2);
    assertEquals([one!.speedup, two!.speedup, four!.speedup], [0.8, 2, 2]);
    assertEquals([one!.efficiency, two!.efficiency, four!.efficiency], [0.8, 1, 1]);
    assertEquals([two!.low, two!.high], [2, 2]);
    assertEquals([one!.timesBare, two!.timesBare, bare!.timesBare], [undefined, 1.25, undefined]);
    assertAlmostEquals(bare!.speedup, 2.5);
  });

  it("count from one worker where there is nothing without any", LIMIT, () => {
    const [one, two] = pointsOf({ ...GROUP, contestants: GROUP.contestants.slice(1) }, 2);
    assertEquals([one!.speedup, two!.speedup], [1, 2.5]);
  });

  it("have a row for each contestant, also for one that hangs", LIMIT, () => {
    const contestants = GROUP.contestants.map((each) => each.samples.length > 0 ? each : { ...each, note: "hangs" });
    const run = { ...makeRun({ seed: 1, starts: 1, rounds: 1 }), kind: "cores" as const };
    const text = tablesOf({ ...run, groups: [{ ...GROUP, contestants }] });
    assertStringIncludes(text, "2 cores of made");
    assertMatch(
      text,
      /^\| threading x 2 +\| +50\.0 ns \| +± 0\.0 % \| +5 of 5 starts \|.*\| +2\.00 \| +100\.0 % \| +1\.25 x \|/m,
    );
    assertMatch(text, /^\| threading x 4 +\| +50\.0 ns \| one sample \| +1 of 1 start \|/m);
    assertMatch(text, /^\| multiprocessing x 2 \| +hangs \|/m);
    assertMatch(text, /^\| without workers +\| +100 ns \| +± 5\.0 % \| 3 of 3 starts \|/m);
  });

  it("are named on the command line", LIMIT, () => {
    assertEquals(jobNamed("lock").title, "One lock");
    assertThrows(() => jobNamed("locks"), TypeError, "must name some of cpu, mandelbrot, sum, tiny, lock, queue");
    const works = JOBS.flatMap((job) => job.works([1, 2]).map(({ work }) => work));
    assertEquals(new Set(works).size, 3 + 2 * 6);
  });
});
