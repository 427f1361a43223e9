/** How a run across cores is cut into pieces, and what it leaves out where time is short. */

import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  isTimeFor,
  measurePieces,
  noteOf,
  partsOfPieces,
  roundsFor,
  stepsOfPieces,
} from "../../benches/cores/pieces.ts";
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
    const pieces: [done: number, contestants: number][] = [];
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
      onPiece: ({ groups }, done) => pieces.push([done, groups[0]!.contestants.length]),
    });
    assertEquals(versions, { Test: "1.2.3" });
    assertEquals(note, undefined);
    assertEquals(steps, stepsOfPieces(plan));
    assertEquals(pieces, [[1, 2], [2, 3], [3, 3], [4, 3]]);
    assertEquals(partsOfPieces(plan), 4);
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
    const time = { sampleMs: 100, figures: 20 };
    // 20 figures with the time of 2.5 samples of preparation each, and of 3, 2 or 1 more.
    assertEquals(roundsFor({ ...time, left: 11_000 }, 3), 3);
    assertEquals(roundsFor({ ...time, left: 10_000 }, 3), 2);
    assertEquals(roundsFor({ ...time, left: 8_000 }, 3), 1);
    assertEquals(roundsFor({ ...time, left: 0 }, 3), 1);
    assertEquals(roundsFor({ ...time, left: Infinity }, 3), 3);
    assertEquals(isTimeFor({ ...time, left: 7_000 }), true);
    assertEquals(isTimeFor({ ...time, left: 6_900 }), false);
  });

  it("tell what was left out", LIMIT, () => {
    const plan = { pieces: [[entry("own", 1), entry("own", 2)]], starts: 3, rounds: 2 };
    assertEquals(noteOf({ starts: 0, rounds: 0 }, plan), undefined);
    assertEquals(noteOf({ starts: 0, rounds: 5 }, plan), "Left out for want of time: 5 of 12 samples");
    assertEquals(
      noteOf({ starts: 1, rounds: 4 }, plan),
      "Left out for want of time: 1 of 3 starts, 4 of 8 samples of the others",
    );
  });
});
