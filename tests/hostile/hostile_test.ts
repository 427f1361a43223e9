/**
 * Other participants write to shared memory. Whatever they write, the result is an error, and neither a crash of the runtime nor
 * an endless loop. (Threads that share a memory trust each other: other harm is possible.)
 */

import { assert, assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { runProgram, survives } from "./_run.ts";
import { rounds } from "../_rounds.ts";

const KINDS = [
  "Lock",
  "RLock",
  "Semaphore",
  "BoundedSemaphore",
  "Event",
  "Condition",
  "Barrier",
  "RWLock",
  "Latch",
  "Value",
  "SharedArray",
  "Queue",
  "LifoQueue",
  "PriorityQueue",
];
const LIMIT = 100_000;

describe("shared memory that was scribbled over", () => {
  for (const scope of ["thread", "process"]) {
    for (const kind of scope === "process" ? [...KINDS, "Pipe"] : KINDS) {
      it(
        `does not crash or block a thread that uses it as a ${kind} of the ${scope} scope`,
        { timeout: LIMIT },
        async () => {
          const output = await survives("_scribble.ts", [scope, kind, "0", String(rounds(120, 8))], LIMIT - 20_000);
          assert(output.endsWith("done\n"), output.slice(-500));
        },
      );
    }
  }
});

describe("tokens that share() did not make", () => {
  it("are refused with an AttachError, or a TypeError, also where they name the right memory", {
    timeout: LIMIT + 20_000,
  }, async () => {
    const outcomes = JSON.parse(await survives("_adopt.ts", [], LIMIT)) as Record<string, number>;
    const { AttachError = 0, adopted = 0, TypeError = 0, ...others } = outcomes;
    assertEquals(others, {});
    assert(AttachError > 19_000, JSON.stringify(outcomes));
    // By chance a random address is that of an object.
    assert(adopted < 1_000 && TypeError < 1_000, JSON.stringify(outcomes));
  });
});

describe("a process that gets nonsense when it starts", () => {
  const entry = fileURLToPath(new URL("../../_internal/entries/child_entry.ts", import.meta.url));
  for (
    const told of [
      "",
      "nonsense",
      "1 2 3",
      "70000 /proc/self/fd/0 /proc/self/fd/0",
      "-70000 /dev/null /dev/zero",
      "NaN /nowhere /nowhere",
      `70000 ${"x".repeat(5_000)} ${"y".repeat(5_000)}`,
    ]
  ) {
    it(`ends with an exit code: ${JSON.stringify(told.slice(0, 40))}`, { timeout: LIMIT }, async () => {
      const { code, output } = await runProgram(entry, [], 30_000, { WEFT_PROCESS: told });
      assert(typeof code === "number" && code !== 0, `ended with ${code}: ${output}`);
    });
  }
});
