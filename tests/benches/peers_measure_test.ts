import { assert, assertEquals, assertMatch } from "@std/assert";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { greet, type Greeted, measureAll, type Options } from "../../benches/peers/measure.ts";
import type { WorkInfo } from "../../benches/peers/work.ts";

const LIMIT = { timeout: 60_000 };

const COMMAND = [
  process.execPath,
  ...("Deno" in globalThis ? ["run", "-A", "--no-check"] : []),
  fileURLToPath(new URL("./_player.ts", import.meta.url)),
];
const WORKS = ["own", "spin"].map((name): WorkInfo => ({ name, title: name, about: name, section: "free", n: 10 }));

function contestant(name: string, ours: boolean): Greeted {
  return { name, ours, runtime: "Node", scope: "threads", command: COMMAND, works: ["own", "spin"] };
}

const OPTIONS: Options = {
  quick: true,
  works: WORKS,
  contestants: [contestant("test", true), contestant("other", false)],
  starts: 1,
  rounds: 1,
};

it("a quick run whose time is up says in its results which groups it left out", LIMIT, async () => {
  let steps = 0;
  const options = { ...OPTIONS, notes: ["Something before."], onStep: (_: string, count: number) => steps += count };
  const { groups, notes } = await measureAll({ ...options, quickMs: 0 });
  assertEquals(groups, []);
  assertEquals(notes, ["Something before.", "Left out, since the time was up: own (threads); spin (threads)."]);
  assertEquals(steps, 8);
});

it("the results of a run name the packages that took part, and no others", LIMIT, async () => {
  const contestants = [
    contestant("test", true),
    { ...contestant("other", false), pack: "other 1.2.3" },
    { ...contestant("idle", false), pack: "idle 4.5.6", works: ["nothing"] },
  ];
  const { notes } = await measureAll({ ...OPTIONS, contestants, works: WORKS.slice(0, 1) });
  assertEquals(notes, ["Packages: other 1.2.3."]);
});

it("a run leaves no folder behind, also if it is broken off", LIMIT, async () => {
  const before = process.env.TMPDIR;
  const folder = process.env.TMPDIR = mkdtempSync(`${tmpdir()}/peers-test-`);
  try {
    const onGroup = () => {
      throw new Error("no more");
    };
    const { message } = await measureAll({ ...OPTIONS, onGroup }).catch((error: Error) => error) as Error;
    assertEquals(message, "no more");
    assertEquals(readdirSync(folder), []);
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    rmSync(folder, { recursive: true });
  }
});

it("contestants that do not start are named", LIMIT, async () => {
  const { greeted, failed } = await greet([
    contestant("test", true),
    { ...contestant("gone", false), command: ["/nowhere/player"] },
  ]);
  assertEquals(greeted.map(({ name, works }) => [name, works.includes("own")]), [["test", true]]);
  assert(failed.length === 1);
  assertMatch(failed[0]!, /^Without gone, Node: .*ended before it was ready/);
});
