/** The account of nanoseconds: what is counted from the source, and what the tables make of results. */

import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals, assertMatch } from "@std/assert";
import { type Count, COUNTS, type Step, WRITES, writesOf } from "../../benches/account/counts.ts";
import {
  AWAIT,
  CLOCK,
  CODEC,
  ENCODE,
  FIRST,
  LOAD,
  MEMORIES,
  OPERATIONS,
  PAIR,
  SECTIONS,
} from "../../benches/account/plan.ts";
import { FLOOR, FLOORS, LIBRARY, MUTEX, work } from "../../benches/account/floor_plan.ts";
import { VERDICTS } from "../../benches/account/floor_tables.ts";
import { overview, tablesOf } from "../../benches/account/tables.ts";
import { Player } from "../../benches/lib/player.ts";
import type { Contestant, Run } from "../../benches/lib/results.ts";

const LIMIT = { timeout: 60_000 };
const ROOT = new URL("../../", import.meta.url);
const PLAYER = [
  process.execPath,
  ...("Deno" in globalThis ? ["run", "-A", "--no-check"] : []),
  fileURLToPath(new URL("benches/account/player.ts", ROOT)),
];

/** The lines of a function: from the line that begins so to the brace that closes it. */
function bodyOf({ file, begins }: Step): string {
  const lines = readFileSync(new URL(file, ROOT), "utf8").split("\n");
  const starts = lines.flatMap((line, i) => line.startsWith(begins) ? [i] : []);
  assertEquals(starts.length, 1, `${file} must have one line that begins with '${begins}'`);
  const [start] = starts;
  const indent = /^ */.exec(begins)![0];
  const end = lines.findIndex((line, i) => i > start! && line === `${indent}}`);
  return lines.slice(start! + 1, end).filter((line) => !/^ *\/\//.test(line)).join("\n");
}

function atomicWrites(text: string): number {
  return text.match(new RegExp(`(?<![.#\\w])(${WRITES.join("|")})\\(`, "g"))?.length ?? 0;
}

function contestant(name: string, runtime: string, values: number[]): Contestant {
  return { name, runtime, ours: true, dropped: 0, samples: values.map((value) => ({ value, start: 0 })) };
}

function runOf(groups: Record<string, Contestant[]>): Run {
  return {
    schema: 1,
    kind: "account",
    machine: { processor: "Some Processor", cores: 7, memory: 2 ** 30, system: "some system", versions: {} },
    date: "2031-05-23T00:00:00Z",
    command: "deno task bench:account",
    quick: false,
    groups: Object.entries(groups).map(([name, contestants]) => ({ name, unit: "ns", better: "less", contestants })),
  };
}

function rowsOf(text: string, begin: string): string[][] {
  return text.split("\n").filter((line) => line.startsWith(`| ${begin} `)).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

describe("the account of nanoseconds", () => {
  const steps = new Map<string, Step>();
  for (const { path } of COUNTS) for (const step of path) steps.set(`${step.file}: ${step.begins.trim()}`, step);

  for (const [name, step] of steps) {
    it(`has the number of atomic writes in ${name}`, LIMIT, () => {
      const found = atomicWrites(bodyOf(step));
      assertEquals(found, step.has, `Count the free path again, and change ${step.file} in benches/account/counts.ts`);
    });
  }

  it("has the same number for a function in all paths", LIMIT, () => {
    for (const { path } of COUNTS) {
      for (const step of path) assertEquals(step, steps.get(`${step.file}: ${step.begins.trim()}`));
    }
  });

  it("counts a mutex as one write when it is taken, and as one when it is given back", LIMIT, () => {
    const file = "_internal/memory/participants.ts";
    for (const begins of ["export function lockMutex(", "export function unlockMutex("]) {
      assertEquals(atomicWrites(bodyOf({ file, begins, has: 1, makes: 1 })), 1);
    }
  });

  it("counts what is measured, in the same order, and names pieces that are measured", LIMIT, () => {
    const rowsIn = (group: string) =>
      SECTIONS.filter((each) => each.group === group).flatMap(({ rows }) => rows.map(({ name }) => name));
    assertEquals(COUNTS.map(({ name }) => name), rowsIn(OPERATIONS));
    const pieces = SECTIONS.flatMap(({ group, rows }) => group === OPERATIONS ? [] : rows.map(({ name }) => name));
    for (const count of COUNTS) {
      assertEquals(rowsIn(count.memory).includes(PAIR), true, count.memory);
      for (const name of count.pieces ?? []) assertEquals(pieces.includes(name), true, name);
    }
  });

  it("multiplies the writes of a path that is run several times", LIMIT, () => {
    const count = COUNTS.find(({ times }) => times === 2)!;
    assertEquals(writesOf(count), 2 * writesOf({ ...count, times: 1 } satisfies Count));
  });

  for (const player of new Set(SECTIONS.map((section) => section.player))) {
    it(`has a player of ${player} that plays the rows of the tables`, LIMIT, async () => {
      const rows = SECTIONS.filter((section) => section.player === player).flatMap((section) => section.rows);
      const started = await Player.start({ command: [...PLAYER, player] });
      try {
        assertEquals(started.greeting.works.toSorted(), rows.map(({ name }) => name).toSorted());
        for (const { name } of rows) {
          const { ns } = await started.play(name, 2);
          assertEquals(ns >= 0, true, `${name}: ${ns}`);
        }
      } finally {
        await started.end();
      }
    });
  }

  it("has a player of the smallest programs that plays those of all rows", LIMIT, async () => {
    const works = FLOORS.flatMap((row) => row.programs.map((program) => work(program, row.work)));
    const started = await Player.start({ command: [...PLAYER, "floors"] });
    try {
      assertEquals(started.greeting.works.toSorted(), [...new Set(works)].toSorted());
      for (const name of started.greeting.works) {
        const { ns } = await started.play(name, 4);
        assertEquals(ns > 0, true, `${name}: ${ns}`);
      }
    } finally {
      await started.end();
    }
  });

  it("says which goals the smallest program misses, too", LIMIT, () => {
    const [row] = FLOORS;
    const verdictOf = (program: number, library: number): string | undefined => {
      const text = overview(runOf({
        [`${FLOOR}${row!.name}`]: [
          contestant(MUTEX, "Deno", [program]),
          contestant(LIBRARY, "Deno", [library]),
          contestant("CPython", "CPython", [100]),
        ],
      }));
      return rowsOf(text, row!.name)[0]?.[4];
    };
    // Twice the rate of 100 ns.
    assertEquals(verdictOf(70, 49), VERDICTS.reached);
    assertEquals(verdictOf(75, 80), VERDICTS.below);
    assertEquals(verdictOf(30, 80), VERDICTS.open);
    assertEquals(verdictOf(52, 80), VERDICTS.near);
  });

  it("takes the pieces off the median of an operation", LIMIT, () => {
    const lock = "Lock: acquireSync + release";
    const awaited = "Lock: await acquire + dispose of the guard";
    const put = "Queue: putSync of { id, name, tags }";
    const run = runOf({
      [MEMORIES.threads]: [contestant(PAIR, "Deno", [20, 22, 40]), contestant(PAIR, "Bun", [10])],
      "the engine": [contestant(AWAIT, "Deno", [30])],
      [CODEC]: [contestant(ENCODE, "Deno", [200])],
      [OPERATIONS]: [
        contestant(lock, "Deno", [29, 32, 50]),
        contestant(lock, "Bun", [15]),
        contestant(awaited, "Deno", [100]),
        contestant(put, "Deno", [300]),
      ],
    });
    const text = overview(run);
    const [figures, meaning] = rowsOf(text, lock);
    assertEquals(figures, [lock, "2", "29.0 ns", "32.0 ns", "22.0 ns", "10.0 ns", ...["15.0 ns", "15.0 ns"], ...[
      "10.0 ns",
      "5.00 ns",
    ]]);
    assertEquals(meaning?.[1], "2 atomic exchanges");
    assertMatch(meaning![2]!, /^guard, private fields/);
    assertEquals(rowsOf(text, awaited)[0]!.slice(1, 6), ["2", "100 ns", "100 ns", "52.0 ns", "48.0 ns"]);
    assertEquals(rowsOf(text, put)[0]!.slice(1, 6), ["2", "300 ns", "300 ns", "222 ns", "78.0 ns"]);
    assertEquals(rowsOf(text, PAIR)[0], [PAIR, "20.0 ns", "22.0 ns", "10.0 ns", "10.0 ns"]);
  });

  it("takes off atomic reads and clocks as well", LIMIT, () => {
    const name = "Connection: sendSync + recvSync in one thread";
    const text = overview(runOf({
      [MEMORIES.processes]: [contestant(PAIR, "Deno", [20]), contestant(LOAD, "Deno", [5])],
      "the engine": [contestant(CLOCK, "Deno", [50])],
      [OPERATIONS]: [contestant(name, "Deno", [200])],
    }));
    const [figures, meaning] = rowsOf(text, name);
    assertEquals(figures, [name, "4", "200 ns", "200 ns", "105 ns", "95.0 ns"]);
    assertEquals(meaning?.[1], "4 atomic exchanges, 3 atomic reads, Date.now");
  });

  it("leaves out what was not measured", LIMIT, () => {
    const lock = "Lock: acquireSync + release";
    const text = overview(runOf({ [OPERATIONS]: [contestant(lock, "Deno", [30])] }));
    assertEquals(rowsOf(text, lock)[0], [lock, "2", "30.0 ns", "30.0 ns", "", ""]);
    assertEquals(rowsOf(text, "RLock: acquireSync + release"), []);
    assertEquals(text.includes("In a new program"), false);
  });

  it("compares the first operations of a program with later ones", LIMIT, () => {
    const lock = "Lock: acquireSync + release";
    const name = `${lock}: the first 10,000`;
    const text = tablesOf(runOf({
      [OPERATIONS]: [contestant(lock, "Deno", [30])],
      [FIRST]: [contestant(name, "Deno", [240, 300])],
    }));
    assertEquals(rowsOf(text, name), [[name, "240 ns", "270 ns", "9.00 x"]]);
    assertMatch(text, /^7 cores of Some Processor, 1 GiB, some system\./);
  });
});
