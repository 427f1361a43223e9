import { describe, it } from "node:test";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { assert, assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { checkResults, fillNumbers, NUMBERS, sumOf } from "../../benches/cores/jobs.ts";
import { ALONE, CONTESTANTS, JOBS, jobsNamed, type PlannedJob, sizesOf } from "../../benches/cores/plan.ts";
import { pointsOf } from "../../benches/cores/speedup.ts";
import { tablesOf } from "../../benches/cores/tables.ts";
import { Player } from "../../benches/lib/player.ts";
import type { Contestant, Group } from "../../benches/lib/results.ts";
import { makeRun } from "./_made_runs.ts";

const LIMIT = { timeout: 10_000 };

function contestant(name: string, workers: number | undefined, values: readonly number[]): Contestant {
  const samples = values.map((value, start) => ({ value, start, processorNs: 100, othersShare: 0 }));
  return { name, runtime: "Deno", ours: name !== CONTESTANTS.bare && name !== ALONE, workers, samples, dropped: 0 };
}

function jobNamed(name: string): PlannedJob {
  return jobsNamed(name)[0]!;
}

const GROUP: Group = {
  name: "Mandelbrot set (Deno)",
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

  it("tell no speed-up of samples of 0, and say so", LIMIT, () => {
    const contestants = GROUP.contestants.map((each) =>
      each.workers === 4 || each.name === ALONE
        ? { ...each, samples: each.samples.map((sample) => ({ ...sample, value: 0 })) }
        : each
    );
    const points = pointsOf({ ...GROUP, contestants }, 2);
    assertEquals(points.map(({ workers, speedup }) => [workers, speedup]), [[1, 1], [2, 2.5], [2, 1]]);
    const run = { ...makeRun({ seed: 1, starts: 1, rounds: 1 }), kind: "cores" as const };
    const text = tablesOf({ ...run, groups: [{ ...GROUP, contestants }] });
    assertMatch(text, /^\| threading x 4 +\|( +\|){7} +has samples of 0, which no speed-up can be told of \|$/m);
    assert(!/NaN|Infinity/.test(text), text);
  });

  it("divide the efficiency by what the reference uses, too, where the fewest workers are two", LIMIT, () => {
    const contestants = [2, 4, 8].map((workers) => contestant(CONTESTANTS.threads, workers, [200 / workers]));
    const points = pointsOf({ ...GROUP, contestants }, 4);
    assertEquals(points.map(({ speedup }) => speedup), [1, 2, 4]);
    assertEquals(points.map(({ ideal }) => ideal), [1, 2, 2]);
    assertEquals(points.map(({ efficiency }) => efficiency), [1, 1, 2]);
  });

  it("have no ideal and no efficiency where all workers want one thing", LIMIT, () => {
    const [one] = pointsOf({ ...GROUP, name: "One lock (Deno)", contestants: GROUP.contestants.slice(1) }, 2);
    assertEquals([one!.speedup, one!.ideal, one!.efficiency, one!.base], [1, undefined, undefined, "1 worker"]);
    assertEquals(pointsOf(GROUP, 2)[0]!.base, ALONE);
  });

  it("say of each speed-up that what it counts from is of a busy machine", LIMIT, () => {
    const contestants = GROUP.contestants.map((each) => each.name === ALONE ? { ...each, busy: 0.4 } : each);
    for (const { note } of pointsOf({ ...GROUP, contestants }, 2)) {
      assertStringIncludes(note!, "from a figure of a busy machine: others used up to 40 %");
    }
  });

  it("have a row for each contestant, also for a contestant that hangs", LIMIT, () => {
    const contestants = GROUP.contestants.map((each) => each.samples.length > 0 ? each : { ...each, note: "hangs" });
    const run = { ...makeRun({ seed: 1, starts: 1, rounds: 1 }), kind: "cores" as const };
    const text = tablesOf({ ...run, groups: [{ ...GROUP, contestants }] });
    assertStringIncludes(text, "2 cores of made");
    assertMatch(
      text,
      /^\| threading x 2 +\| +50\.0 ns \| +± 0\.0 % \| +5 from 5 starts \|.*\| +2\.00 \| +100\.0 % \| +1\.25 x \|/m,
    );
    assertMatch(text, /^\| threading x 4 +\| +50\.0 ns \| one sample \| +1 from 1 start \|/m);
    assertMatch(text, /^\| multiprocessing x 2 +\|( +\|){7} +hangs \|$/m);
    assertMatch(text, /^\| without workers +\| +100 ns \| +± 5\.0 % \| 3 from 3 starts \|/m);
    assert(!text.includes("Left out"));
    assertMatch(
      tablesOf({ ...run, note: "Left out: one of 3 starts" }),
      /^2 cores of .*\. Left out: one of 3 starts\.$/m,
    );
  });

  // Only Deno has what draws.
  if ("Deno" in globalThis) {
    it("have a chart that says what was left out, with an ideal that counts from the reference", LIMIT, async () => {
      const { chartOf } = await import("../../benches/cores/chart.ts");
      const run = { ...makeRun({ seed: 1, starts: 1, rounds: 1 }), kind: "cores" as const };
      const contestants = [2, 4].map((workers) => contestant(CONTESTANTS.threads, workers, [100]));
      const spec = JSON.stringify(chartOf({ ...run, groups: [{ ...GROUP, contestants }], note: "Left out: a start" }));
      assertStringIncludes(spec, "Left out: a start");
      assertStringIncludes(spec, '"name":"ideal: every core is used","workers":4,"speedup":1}');
      assertStringIncludes(spec, "Each point is one sample");
      const lock = JSON.stringify(chartOf({ ...run, groups: [{ ...GROUP, name: "One lock (Deno)", contestants }] }));
      assert(!lock.includes("ideal"), lock);
    });
  }

  it("are named on the command line", LIMIT, () => {
    assertEquals(jobsNamed(undefined), JOBS);
    assertEquals(jobsNamed("lock,cpu").map(({ title }) => title), ["One lock", "A million square roots"]);
    assertThrows(() => jobsNamed("locks"), TypeError, "must name some of cpu, mandelbrot, sum, tiny, lock, queue");
    const works = JOBS.flatMap((job) => job.works([1, 2]).map(({ work }) => work));
    // Four jobs without workers, with one and with two; a lock with one and with two; a queue with two.
    assertEquals(new Set(works).size, 4 * 3 + 2 + 1);
  });

  it("have a plain loop beside each job that can be done without workers", LIMIT, () => {
    const alone = JOBS.filter((job) => job.works([1]).some(({ contestant }) => contestant === ALONE));
    assertEquals(alone.map(({ name }) => name), ["cpu", "mandelbrot", "sum", "tiny"]);
  });

  it("have as many workers on the queue as they are named with, half of which put", LIMIT, () => {
    assertEquals(jobNamed("queue").works([1, 2, 4]).map(({ work }) => work), [
      ...["queue/2", "queue/2", "queue/4", "queue/4"],
    ]);
  });

  it("have enough to do for each of many workers, but not a sweep over the memory for each", LIMIT, () => {
    const leastOf = (name: string) => jobNamed(name).works([32]).at(-1)!.least;
    assertEquals(["cpu", "mandelbrot", "sum", "lock"].map(leastOf), [256, 2, 2, 32_000]);
  });
});

describe("the works across cores", () => {
  it("add up numbers that were written", LIMIT, () => {
    for (const count of [0, 1, 7, 1000, 1003]) {
      const array = new Float64Array(count).fill(-1);
      fillNumbers(array);
      assertEquals(array.reduce((a, b) => a + b, 0), sumOf(count));
    }
  });

  it("fail where a worker has other numbers", LIMIT, () => {
    assertThrows(() => checkResults("sum", 1, [0]), Error, "the sum must be");
    checkResults("sum", 2, [sumOf(NUMBERS), sumOf(NUMBERS)]);
  });

  it("are all played by players with one number of workers", { timeout: 120_000 }, async () => {
    const file = fileURLToPath(new URL("../../benches/cores/player.ts", import.meta.url));
    const runtime = [process.execPath, ...("Deno" in globalThis ? ["run", "-A", "--no-check"] : []), file];
    for (const kind of ["bare", "threads", "processes"] as const) {
      for (const workers of kind === "bare" ? [0, 2] : [2]) {
        const player = await Player.start({ command: [...runtime, kind, String(workers)] });
        const planned = JOBS.flatMap((job) => job.works([2])).filter((each) => (
          each.kind === kind && each.workers === workers
        ));
        assertEquals(new Set(planned.map(({ work }) => work)), new Set(player.greeting.works));
        for (const { work } of planned) assert((await player.play(work, 2)).ns > 0, work);
        await player.end();
      }
    }
  });
});
