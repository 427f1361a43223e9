/** How fairly a lock is shared: what a player counts, and what the table makes of results. */

import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { COUNTS, groupOf, type Outcome, type Setting, SETTINGS } from "../../benches/fairness/plan.ts";
import { overview } from "../../benches/fairness/tables.ts";
import { checkRun, type Run } from "../../benches/lib/results.ts";
import { run } from "../../tools/_run.ts";
import { RUN_FLAGS } from "../_runtime.ts";

const LIMIT = { timeout: 60_000 };
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const PLAYER = [process.execPath, ...RUN_FLAGS, `${ROOT}benches/fairness/player.ts`];

describe("bench:fairness", () => {
  for (const lock of ["Lock", "mutex of three states"]) {
    for (const micros of [0, 20]) {
      it(`counts the turns of each thread under ${lock}, ${micros} µs each`, LIMIT, async () => {
        const command = [...PLAYER, lock, "3", String(micros), "100"];
        const { code, output } = await run(command, { cwd: ROOT, limit: 30_000 });
        assertEquals(code, 0, output);
        const { ms, turns, gaps, version }: Outcome = JSON.parse(output);
        const total = turns.reduce((sum, each) => sum + each, 0);
        assertMatch(version, /^\d+\.\d+/);
        assert(ms >= 95, `${ms} ms`);
        assertEquals([turns.length, gaps.length], [3, 3]);
        assert(total > 0 && total * micros / 1000 <= ms + 50, `${total} turns in ${ms} ms`);
        for (const [i, gap] of gaps.entries()) {
          assert(gap <= total - turns[i]!, `a thread waited for ${gap} turns of others, and they had ${turns}`);
        }
      });
    }
  }

  it("shows a setting in a row for each lock, with the medians of the starts", LIMIT, () => {
    const setting: Setting = SETTINGS[0]!;
    const samples = (values: number[]) => values.map((value, start) => ({ value, start }));
    const contestant = { name: "Lock", runtime: "Deno", ours: true, dropped: 0 };
    const values = { time: [30, 50, 40], share: [90, 10, 95.5], wait: [1_000, 123_456, 7] };
    const made: Run = {
      schema: 1,
      kind: "fairness",
      machine: { processor: "Some Processor", cores: 7, memory: 2 ** 30, system: "some system", versions: {} },
      date: "2031-05-23T00:00:00Z",
      command: "deno task bench:fairness",
      quick: false,
      groups: (["time", "share", "wait"] as const).map((count) => ({
        name: groupOf(setting, count),
        unit: COUNTS[count].unit,
        better: COUNTS[count].better,
        contestants: [{ ...contestant, samples: samples(values[count]), busy: count === "time" ? 0.5 : undefined }],
      })),
    };
    checkRun(made, "made");
    const rows = overview(made).split("\n").filter((line) => line.startsWith(`| ${setting.threads} `));
    assertEquals(rows.map((row) => row.split("|").slice(1, -1).map((cell) => cell.trim())), [
      ["2", "short", "idle", "Lock, Deno", "40.0 ns (busy)", "90.0 %", "1,000"],
    ]);
  });
});
