import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertAlmostEquals, assertEquals, assertMatch } from "@std/assert";
import { type Compared, compareRuns } from "../../benches/lib/compare.ts";
import { GONE } from "../../benches/lib/pairs.ts";
import { type Contestant, type Run, writeRun } from "../../benches/lib/results.ts";
import { run as runProgram } from "../../tools/_run.ts";
import { makeRun } from "./_made_runs.ts";

const LIMIT = { timeout: 30_000 };

const SEEDS = Array.from({ length: 20 }, (_, i) => 2 * i + 1);
/** A thorough run, as those are that others are compared with. */
const THOROUGH = { starts: 8, rounds: 3 };

function changesOf({ comparisons }: Compared): string[] {
  return comparisons.filter(({ verdict }) => verdict === "worse" || verdict === "better").map(({ label, verdict }) =>
    `${label}: ${verdict}`
  );
}

/** A run in which more is better, and the figures say the same. */
function turnedRound(run: Run): Run {
  const groups = run.groups.map((group) => ({
    ...group,
    better: "more" as const,
    contestants: group.contestants.map((contestant) => ({
      ...contestant,
      samples: contestant.samples.map((sample) => ({ ...sample, value: 1e9 / sample.value })),
    })),
  }));
  return { ...run, groups };
}

/** A run with some contestants, by number, changed. */
function changed(run: Run, changes: Readonly<Record<number, Partial<Contestant>>>): Run {
  const [group] = run.groups;
  const contestants = group!.contestants.map((each, i) => ({ ...each, ...changes[i] }));
  return { ...run, groups: [{ ...group!, contestants }] };
}

describe("the comparison of two runs", () => {
  it("finds no change where there is none, however much the runs are spread", LIMIT, () => {
    for (const shape of [{ starts: 3, rounds: 3 }, THOROUGH]) {
      const wrong = SEEDS.filter((seed) =>
        changesOf(compareRuns(makeRun({ seed, ...shape }), makeRun({ seed: seed + 1, ...shape }))).length > 0
      );
      // The chance of any is kept at 2 %, and some works come in two kinds.
      assert(wrong.length <= 1, `changes in ${wrong.length} of ${SEEDS.length}: ${JSON.stringify(shape)}`);
    }
  });

  it("finds a work that is 15 % slower among sixty", LIMIT, () => {
    const slower = { "work 31": 1.15 };
    const found = SEEDS.filter((seed) => {
      const compared = compareRuns(makeRun({ seed, ...THOROUGH }), makeRun({ seed: seed + 1, ...THOROUGH, slower }));
      return changesOf(compared).includes("work 31, Deno: worse");
    });
    assert(found.length >= 18, `found in ${found.length} of ${SEEDS.length}`);
  });

  it("finds it also if other programs have used the processor's core for a while, unseen", LIMIT, () => {
    const runs = SEEDS.map((seed) => {
      const before = makeRun({ seed, ...THOROUGH, shared: 0.3 });
      const after = { seed: seed + 1, ...THOROUGH, shared: 0.7 };
      const same = changesOf(compareRuns(before, makeRun(after)));
      const slower = changesOf(compareRuns(before, makeRun({ ...after, slower: { "work 31": 1.15 } })));
      return { same, found: slower.includes("work 31, Deno: worse") };
    });
    const found = runs.filter(({ found }) => found).length;
    assert(found >= 17, `found in ${found} of ${SEEDS.length}`);
    const wrong = runs.filter(({ same }) => same.length > 0);
    assert(wrong.length <= 1, `changes in ${wrong.length} of ${SEEDS.length}`);
  });

  it("finds what became better, also where more is better", LIMIT, () => {
    const before = makeRun({ seed: 1, ...THOROUGH });
    const after = makeRun({ seed: 2, ...THOROUGH, slower: { "work 31": 0.7 } });
    assertEquals(changesOf(compareRuns(before, after)), ["work 31, Deno: better"]);
    assertEquals(changesOf(compareRuns(turnedRound(before), turnedRound(after))), ["work 31, Deno: better"]);
  });

  it("takes a slower machine for what it is", LIMIT, () => {
    const before = makeRun({ seed: 1, ...THOROUGH });
    const after = makeRun({ seed: 2, ...THOROUGH, machine: 1.2 });
    const compared = compareRuns(before, after);
    assertEquals(changesOf(compared), []);
    assertAlmostEquals(compared.machine, 1.2, 0.03);
  });

  it("does not tell a certain change that is small", LIMIT, () => {
    const steady = (run: Run, factor: number): Run => ({
      ...run,
      groups: run.groups.map((group) => ({
        ...group,
        contestants: group.contestants.map((contestant) => ({
          ...contestant,
          samples: contestant.samples.map((sample, i) => ({
            ...sample,
            value: (1000 + i) * (contestant.ours ? factor : 1),
          })),
        })),
      })),
    });
    const run = makeRun({ seed: 1, ...THOROUGH });
    assertEquals(changesOf(compareRuns(steady(run, 1), steady(run, 1.04))), []);
    assertEquals(changesOf(compareRuns(steady(run, 1), steady(run, 1.2))).length, 40);
  });

  it("leaves out what was measured on a busy machine", LIMIT, () => {
    const before = makeRun({ seed: 1, ...THOROUGH });
    const after = makeRun({ seed: 2, ...THOROUGH, slower: { "work 31": 3 } });
    const compared = compareRuns(before, changed(after, { 31: { busy: 0.4 } }));
    const omitted = { label: "made: work 31, Deno", ours: true, why: "from a busy machine in the new run" };
    assertEquals(compared.omitted, [omitted]);
    assertEquals(changesOf(compared), []);
  });

  it("takes memory of next to nothing and below for the same", LIMIT, () => {
    const inBytes = (run: Run, value: number): Run => ({
      ...run,
      groups: run.groups.map((group) => ({
        ...group,
        unit: "bytes",
        contestants: group.contestants.map((each) => ({
          ...each,
          samples: each.samples.map((s) => ({ ...s, value })),
        })),
      })),
    });
    const run = makeRun({ seed: 1, ...THOROUGH });
    assertEquals(changesOf(compareRuns(inBytes(run, -8192), inBytes(run, 4096))), []);
  });

  it("tells what hangs, failed halfway or has no samples now, and compares nothing of it", LIMIT, () => {
    const before = makeRun({ seed: 1, ...THOROUGH });
    const changes: Readonly<Record<number, Partial<Contestant>>> = {
      30: { samples: [], note: "hangs", failed: true },
      31: { note: "the player ended", failed: true },
      32: { samples: [] },
    };
    const after = changed(makeRun({ seed: 2, ...THOROUGH }), changes);
    const { failed, comparisons } = compareRuns(before, after);
    assertEquals(failed, [
      { label: "made: work 30, Deno", ours: false, note: "hangs" },
      { label: "made: work 31, Deno", ours: true, note: "the player ended" },
      { label: "made: work 32, Deno", ours: true, note: "no samples" },
    ]);
    assertEquals(comparisons.length, 57);
    // What failed before and does not now is no failure, and no figure to compare with.
    assertEquals(compareRuns(after, before).failed, []);
    assertEquals(compareRuns(after, before).omitted.map(({ why }) => why), [
      "no figure in the old run: hangs",
      "no figure in the old run: the player ended",
      "no figure in the old run: no samples",
    ]);
  });

  it("names what only one of the runs has", LIMIT, () => {
    const run = makeRun({ seed: 1, starts: 1, rounds: 1 });
    const [group] = run.groups;
    const less: Run = { ...run, groups: [{ ...group!, contestants: group!.contestants.slice(1) }] };
    const label = "made: work 0, Deno";
    assertEquals(compareRuns(run, less).omitted, [{ label, ours: false, why: "only in the old run" }]);
    assertEquals(compareRuns(less, run).omitted, [{ label, ours: false, why: "only in the new run" }]);
    assertEquals(compareRuns(less, run).comparisons.length, 59);
  });

  it("counts what is ours and no longer measured as failed", LIMIT, () => {
    const run = makeRun({ seed: 1, starts: 1, rounds: 1 });
    const [group] = run.groups;
    const less: Run = { ...run, groups: [{ ...group!, contestants: group!.contestants.toSpliced(1, 1) }] };
    assertEquals(compareRuns(run, less).failed, [{ label: "made: work 1, Deno", ours: true, note: GONE }]);
    assertEquals(compareRuns(less, run).failed, []);
    // What failed before has been no figure to lose.
    assertEquals(compareRuns(changed(run, { 1: { failed: true } }), less).failed, []);
  });

  it("does not compare what is measured in another unit, or where the other direction is better", LIMIT, () => {
    const run = makeRun({ seed: 1, starts: 1, rounds: 1 });
    const inBytes: Run = { ...run, groups: run.groups.map((group) => ({ ...group, unit: "bytes" })) };
    for (const [after, measured] of [[inBytes, "bytes, less"], [turnedRound(run), "ns, more"]] as const) {
      const { comparisons, omitted } = compareRuns(run, after);
      assertEquals(comparisons, []);
      assertEquals(
        new Set(omitted.map(({ why }) => why)),
        new Set([
          `something else is measured: ns, less is better in the old run; ${measured} is better in the new run`,
        ]),
      );
    }
  });

  it("has the figures themselves where one of them is next to nothing", LIMIT, () => {
    const of = (value: number): Run => {
      const run = makeRun({ seed: 1, ...THOROUGH });
      const [group] = run.groups;
      const [contestant] = group!.contestants;
      const samples = contestant!.samples.map((sample) => ({ ...sample, value }));
      return { ...run, groups: [{ ...group!, unit: "bytes", contestants: [{ ...contestant!, samples }] }] };
    };
    const tiny = (before: number, after: number) => {
      const [comparison] = compareRuns(of(before), of(after)).comparisons;
      return [comparison!.before, comparison!.after, comparison!.isTiny, comparison!.verdict];
    };
    assertEquals(tiny(0, 2 ** 24), [0, 2 ** 24, true, "worse"]);
    assertEquals(tiny(2 ** 24, -8192), [2 ** 24, -8192, true, "better"]);
    assertEquals(compareRuns(of(2 ** 24), of(2 ** 25)).comparisons[0]!.isTiny, false);
  });

  it("cannot tell of too few starts or samples whether anything changed, and says so of each figure", LIMIT, () => {
    const whyOf = (starts: number, rounds: number): Set<string | undefined> => {
      const before = makeRun({ seed: 1, starts, rounds });
      const after = makeRun({ seed: 2, starts, rounds, slower: { "work 31": 9 } });
      return new Set(compareRuns(before, after).comparisons.map(({ verdict, why }) => `${verdict}: ${why}`));
    };
    assertEquals([...whyOf(1, 9)], ["unknown: 1 start, at least 3 are needed"]);
    assertEquals([...whyOf(2, 9)], ["unknown: 2 starts, at least 3 are needed"]);
    assertEquals([...whyOf(3, 1)], ["unknown: 3 samples, more rounds are needed"]);
    assertEquals([...whyOf(3, 2)].sort(), ["same: undefined", "worse: undefined"]);
  });
});

// The program runs on Deno alone.
if ("Deno" in globalThis) {
  const compareFiles = async (before: Run, after: Run, ...options: string[]) => {
    const folder = mkdtempSync(join(tmpdir(), "compare-"));
    const files = [join(folder, "before.json"), join(folder, "after.json")] as const;
    const program = fileURLToPath(new URL("../../benches/compare.ts", import.meta.url));
    const command = [Deno.execPath(), "run", "-A", "--no-check", "--quiet", program, ...files, ...options];
    try {
      writeRun(files[0], before);
      writeRun(files[1], after);
      return await runProgram(command, { limit: 20_000 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  it("bench:compare fails where something of ours hangs now", LIMIT, async () => {
    const run = makeRun({ seed: 1, starts: 3, rounds: 2 });
    for (const [number, code] of [[30, 0], [31, 1]] as const) {
      const after = changed(run, { [number]: { samples: [], note: "hangs", failed: true } });
      const result = await compareFiles(run, after);
      assertEquals(result.code, code, result.output);
      assertMatch(result.output, new RegExp(`made: work ${number}, Deno +\\| +hangs \\| +failed`));
      assertMatch(result.output, /^59 judged, 0 changed by 5\.0 % or more\n1 hang or fail now$/m);
    }
  });

  it("bench:compare fails where something of ours is gone", LIMIT, async () => {
    const run = makeRun({ seed: 1, starts: 3, rounds: 2 });
    const [group] = run.groups;
    const less: Run = { ...run, groups: [{ ...group!, contestants: group!.contestants.toSpliced(1, 1) }] };
    const { code, output } = await compareFiles(run, less);
    assertEquals(code, 1, output);
    assertMatch(output, /^1 of this library: not in the new run$/m);
    assertMatch(output, /^\| made: work 1, Deno \| +not in the new run \| +failed \|$/m);
  });

  it("bench:compare refuses what has nothing in common, and says what is only a part of a run", LIMIT, async () => {
    const run = makeRun({ seed: 1, starts: 3, rounds: 2 });
    const others = [
      { ...run, groups: run.groups.map((group) => ({ ...group, name: "other" })) },
      { ...run, groups: [], stopped: "3 of 40 groups" },
    ];
    for (const other of others) {
      const { code, output } = await compareFiles(run, other);
      assertEquals(code, 2, output);
      assertMatch(output, /^error: Cannot compare: both files must have figures of the same contestants/m);
      if ("stopped" in other) {
        assertMatch(output, /^New: .* This is a part of a run that was stopped: 3 of 40 groups\./m);
      }
    }
  });

  it("bench:compare tells a change from nothing by how much it is, and not as a part of nothing", LIMIT, async () => {
    const run = makeRun({ seed: 1, starts: 3, rounds: 3 });
    const samples = run.groups[0]!.contestants[1]!.samples;
    const { output } = await compareFiles(
      changed(run, { 1: { samples: samples.map((sample) => ({ ...sample, value: 0 })) } }),
      changed(run, { 1: { samples: samples.map((sample, i) => ({ ...sample, value: 1500 + i % 3 })) } }),
    );
    assertMatch(output, /^\| made: work 1, Deno \| +0\.00 ns \| +1\.50 µs \| +\+1\.50 µs \|/m);
  });

  it("bench:compare says of what it cannot judge that it cannot, and has an exit code for that", LIMIT, async () => {
    const run = makeRun({ seed: 1, starts: 1, rounds: 2 });
    const result = await compareFiles(run, changed(run, { 31: { busy: 0.4 } }));
    assertEquals(result.code, 3, result.output);
    assertMatch(result.output, /^Cannot tell whether anything changed$/m);
    assertMatch(result.output, /^59 cannot tell: 1 start, at least 3 are needed$/m);
    assertMatch(result.output, /^1 not compared: from a busy machine in the new run$/m);
    assert(!result.output.includes("0 changed"), result.output);
    const { output } = await compareFiles(run, changed(run, { 31: { busy: 0.4 } }), "--all");
    assertMatch(output, /^\| made: work 0, Deno .*\| +cannot tell: 1 start, at least 3 are needed \|$/m);
    assertMatch(output, /^\| made: work 31, Deno \| +from a busy machine in the new run \| +not compared \|$/m);
  });
}
