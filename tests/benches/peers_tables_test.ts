import { assert, assertEquals, assertThrows } from "@std/assert";
import { it } from "node:test";
import type { Contestant, Group, Run } from "../../benches/lib/results.ts";
import { standingsOf } from "../../benches/peers/ratios.ts";
import { tableOf } from "../../benches/peers/tables.ts";
import { WORKS, worksNamed } from "../../benches/peers/works.ts";

const LIMIT = { timeout: 10_000 };

function contestant(name: string, ours: boolean, values: number[], note?: string): Contestant {
  const samples = values.map((value) => ({ value, start: 0 }));
  return { name, runtime: "Deno", ours, samples, dropped: 0, note };
}

const GROUP: Group = {
  name: `${WORKS.find(({ name }) => name === "lock/free")!.title}, threads`,
  unit: "ns",
  better: "less",
  contestants: [
    contestant("slow", false, [40, 40, 40]),
    contestant("ours", true, [30, 30, 30]),
    contestant("fast", false, [10, 20, 30]),
    contestant("stuck", false, [], "hangs"),
  ],
};

it("the best peer is 1, and this library stands first", LIMIT, () => {
  const standings = standingsOf(GROUP);
  assertEquals(standings.map(({ contestant }) => contestant.name), ["ours", "fast", "slow"]);
  assertEquals(standings.map(({ ratio }) => ratio), [1.5, 1, 2]);
});

it("without a peer that has samples there is no ratio", LIMIT, () => {
  const alone = { ...GROUP, contestants: GROUP.contestants.filter(({ ours, note }) => ours || note !== undefined) };
  assertEquals(standingsOf(alone).map(({ ratio }) => ratio), [undefined]);
});

it("a table tells of each figure how many samples it is made of, and no spread of a lone one", LIMIT, () => {
  const lines = tableOf({ ...GROUP, contestants: [...GROUP.contestants, contestant("lone", false, [50])] }).split("\n");
  assert(/fast, Deno.*± 25\.0 % \| 3 of 1 start /.test(lines[3]!), lines[3]);
  assert(/lone, Deno.*one sample \| 1 of 1 start /.test(lines[5]!), lines[5]);
});

it("a table says of a contestant that hangs that it does", LIMIT, () => {
  const lines = tableOf(GROUP).split("\n");
  assertEquals(lines.length, 6);
  assert(/stuck, Deno.*hangs/.test(lines[5]!), lines[5]);
});

// Charts are drawn on Deno alone.
const skip = !("Deno" in globalThis);
it("a run has a chart for each part of the works that it has", { ...LIMIT, skip }, async () => {
  const { chartsOf } = await import("../../benches/peers/chart.ts");
  const run: Run = {
    schema: 1,
    kind: "peers",
    machine: { processor: "p", cores: 2, memory: 1, system: "s", versions: {} },
    date: "2031-05-23T00:00:00.000Z",
    command: "deno task bench:peers",
    quick: true,
    groups: [GROUP],
  };
  assertEquals(Object.keys(chartsOf(run)), ["free"]);
});

it("a work has one name and one title", LIMIT, () => {
  assertEquals(new Set(WORKS.map(({ name }) => name)).size, WORKS.length);
  assertEquals(new Set(WORKS.map(({ title }) => title)).size, WORKS.length);
});

it("works are chosen by name, or by how the name begins", LIMIT, () => {
  assertEquals(worksNamed([]), WORKS);
  assertEquals(worksNamed(["lock/2"]).map(({ name }) => name), ["lock/2"]);
  assertEquals(worksNamed(["pipe", "lock/4 s"]).length, 4);
  assertThrows(() => worksNamed(["nothing"]), TypeError, "received 'nothing'");
});
