/** How a run across cores is cut into pieces, and what it leaves out where time is short. */

import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { measurePieces, noteOf, roundsFor, stepsOfPieces } from "../../benches/cores/pieces.ts";
import type { Entry } from "../../benches/lib/measure.ts";

const LIMIT = { timeout: 60_000 };

const FILE = fileURLToPath(new URL("./_player.ts", import.meta.url));
const COMMAND = [process.execPath, ...("Deno" in globalThis ? ["run", "-A", "--no-check"] : []), FILE];

function entry(work: string, workers: number): Entry {
  return { group: "test", name: work, runtime: "Test", ours: true, workers, player: `with ${workers}`, work, n: 10 };
}

describe("pieces of a run across cores", () => {
  it("are measured once in each start, and what fails is left out of later starts", LIMIT, async () => {
    let steps = 0;
    const plan = {
      groups: [{ name: "test", unit: "ns", better: "less" as const }],
      players: { "with 2": { command: COMMAND }, "with 1": { command: COMMAND } },
      pieces: [[entry("own", 2), entry("fail", 2)], [entry("own", 1)]],
      starts: 2,
      rounds: 2,
      patience: 0,
    };
    const { groups, note, versions } = await measurePieces({
      ...plan,
      onStep: (_, count = 1) => void (steps += count),
    });
    assertEquals(versions, { Test: "1.2.3" });
    assertEquals(note, undefined);
    assertEquals(steps, stepsOfPieces(plan));
    // In the order of their sizes.
    assertEquals(groups[0]!.contestants.map(({ name, workers }) => [name, workers]), [["own", 1], ["own", 2], [
      "fail",
      2,
    ]]);
    const [one, two, fail] = groups[0]!.contestants;
    for (const { samples } of [one!, two!]) assertEquals(new Set(samples.map(({ start }) => start)), new Set([0, 1]));
    assertMatch(fail!.note!, /out of order/);
    assertEquals(fail!.samples, []);
  });

  it("are left out of later starts where there is no time, and the results say so", LIMIT, async () => {
    let steps = 0;
    const plan = {
      groups: [{ name: "test", unit: "ns", better: "less" as const }],
      players: { "with 1": { command: COMMAND } },
      pieces: [[entry("own", 1)]],
      starts: 3,
      rounds: 2,
      patience: 0,
      budget: 0,
    };
    const { groups, note } = await measurePieces({ ...plan, onStep: (_, count = 1) => void (steps += count) });
    assertEquals(steps, stepsOfPieces(plan));
    assert(groups[0]!.contestants[0]!.samples.every(({ start }) => start === 0));
    assertMatch(note!, /^Left out for want of time: 2 of 3 starts/);
  });

  it("give up rounds before starts", LIMIT, () => {
    const start = { lastMs: 5_500, lastRounds: 3, starts: 2, rounds: 3 };
    assertEquals(roundsFor({ ...start, left: 11_000 }), 3);
    assertEquals(roundsFor({ ...start, left: 10_000 }), 2);
    assertEquals(roundsFor({ ...start, left: 7_000 }), 1);
    // Not enough for both of them, but for this one.
    assertEquals(roundsFor({ ...start, left: 4_000 }), 1);
    assertEquals(roundsFor({ ...start, left: 3_000 }), 0);
    assertEquals(roundsFor({ ...start, left: Infinity }), 3);
  });

  it("tell what was left out", LIMIT, () => {
    assertEquals(noteOf([2, 2, 2], 2), undefined);
    assertEquals(noteOf([2, 1, 1], 2), "Left out for want of time: 2 of 6 samples of each contestant");
    assertEquals(
      noteOf([2, 1, 0], 2),
      "Left out for want of time: 1 of 3 starts, and with them 3 of 6 samples of each contestant",
    );
  });
});
