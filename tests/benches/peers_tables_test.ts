import { assert, assertEquals, assertThrows } from "@std/assert";
import { it } from "node:test";
import type { Contestant, Group, Run } from "../../benches/lib/results.ts";
import { placesOf } from "../../benches/lib/standings.ts";
import { tableOf } from "../../benches/peers/tables.ts";
import { UserError } from "../../benches/lib/user_error.ts";
import { WORKS, worksNamed } from "../../benches/peers/works.ts";

const LIMIT = { timeout: 10_000 };

function contestant(name: string, ours: boolean, values: number[], note?: string): Contestant {
  const samples = values.map((value) => ({ value, othersShare: 0.01, start: 0 }));
  return { name, runtime: "Deno", ours, samples, dropped: 0, note };
}

const GROUP: Group = {
  name: `${WORKS.find(({ name }) => name === "lock/free")!.title} (threads)`,
  unit: "ns",
  better: "less",
  contestants: [
    contestant("slow", false, [40, 40, 40]),
    contestant("ours", true, [30, 30, 30]),
    contestant("fast", false, [10, 20, 30]),
    contestant("stuck", false, [], "hangs"),
  ],
};

/** Names from the best to the worst: of ours with the best peers, of a peer with where it is the best. */
function standing(group: Group): (string | undefined)[][] {
  return placesOf(group).map(({ figures: { contestant: { name } }, standing, bestOn, isBestElsewhere }) =>
    standing === undefined
      ? [name, ...bestOn, ...(isBestElsewhere ? ["elsewhere"] : [])]
      : [name, standing.near?.contestant.name, standing.far?.contestant.name]
  );
}

it("the best stands first, and ours has the best peer beside it", LIMIT, () => {
  assertEquals(standing(GROUP), [["fast", "Deno"], ["ours", "fast", undefined], ["slow"]]);
});

it("each runtime of ours has a best peer of its own, and all have the best elsewhere", LIMIT, () => {
  const on = (runtime: string, ours: boolean, value: number): Contestant => (
    { ...contestant(`${runtime} ${value}`, ours, [value, value]), runtime }
  );
  const contestants = [
    ...[on("Deno", true, 30), on("Deno", false, 10), on("Bun", true, 30), on("Bun", false, 60)],
    ...[on("C", false, 15), on("CPython", false, 45)],
  ];
  assertEquals(standing({ ...GROUP, contestants }), [
    ["Deno 10", "Deno"],
    ["C 15", "elsewhere"],
    ["Deno 30", "Deno 10", "C 15"],
    ["Bun 30", "Bun 60", "C 15"],
    ["CPython 45"],
    ["Bun 60", "Bun"],
  ]);
  const rows = tableOf({ ...GROUP, contestants }).split("\n");
  assert(/Deno 10, Deno .*\| +best on Deno \|/.test(rows[2]!), rows[2]);
  assert(/\*\*Bun 30, Bun\*\* .*\| +0\.50 x Bun 60 \| +2\.00 x C 15, C \|/.test(rows[5]!), rows[5]);
});

it("nothing is so many times as much as 0 or less, and a table says so", LIMIT, () => {
  for (const value of [0, -4096]) {
    const contestants = [contestant("ours", true, [4096, 4096]), contestant("free", false, [value, value])];
    const table = tableOf({ ...GROUP, unit: "bytes", contestants });
    const [, , free, ours] = table.split("\n");
    assert(/free, Deno +\| +(0 bytes|-4\.00 KiB) /.test(free!), free);
    assert(/ours, Deno\*\* +\| +4\.00 KiB .*\| +no ratio free/.test(ours!), ours);
    assert(!/NaN|Infinity/.test(table), table);
  }
});

it("without a peer that has samples there is no ratio", LIMIT, () => {
  const alone = { ...GROUP, contestants: GROUP.contestants.filter(({ ours, note }) => ours || note !== undefined) };
  assertEquals(standing(alone), [["ours", undefined, undefined]]);
});

it("a table tells of each figure how many samples it is made of, and no spread of a lone one", LIMIT, () => {
  const lines = tableOf({ ...GROUP, contestants: [...GROUP.contestants, contestant("lone", false, [50])] }).split("\n");
  assert(/fast, Deno.*± 25\.0 % \| 3 from 1 start /.test(lines[2]!), lines[2]);
  assert(/lone, Deno.*one sample \| 1 from 1 start /.test(lines[5]!), lines[5]);
});

it("a table says of a contestant that hangs that it does", LIMIT, () => {
  const lines = tableOf(GROUP).split("\n");
  assertEquals(lines.length, 6);
  assert(/stuck, Deno.*hangs/.test(lines[5]!), lines[5]);
});

function runOf(group: Group): Run {
  return {
    schema: 1,
    kind: "peers",
    machine: { processor: "p", cores: 2, memory: 1, system: "s", versions: {} },
    date: "2031-05-23T00:00:00.000Z",
    command: "deno task bench:peers",
    quick: true,
    groups: [group],
  };
}

// Charts are drawn on Deno alone.
const skip = !("Deno" in globalThis);
it("a bar of a figure from a busy machine says so, as does the chart", { ...LIMIT, skip }, async () => {
  const { chartsOf } = await import("../../benches/peers/chart.ts");
  const [slow, ours, ...others] = GROUP.contestants;
  const spec = JSON.stringify(chartsOf(runOf({ ...GROUP, contestants: [slow!, { ...ours!, busy: 0.4 }, ...others] })));
  assert(spec.includes('"30.0 ns (busy)"') && spec.includes('"40.0 ns"'), spec);
  assert(spec.includes("The machine was busy"), spec);
});

it(
  "bars are as long as the figures are: on one scale in a chart, ours in colours, the best on top",
  { ...LIMIT, skip },
  async () => {
    const { chartsOf } = await import("../../benches/peers/chart.ts");
    const [chart] = chartsOf(runOf(GROUP));
    const { concat: [panel] } = chart!.spec as unknown as { concat: { data: { values: Record<string, unknown>[] } }[] };
    assertEquals(panel!.data.values.map(({ value, kind }) => [value, kind]), [
      [20, "peers"],
      [30, "this library on Deno"],
      [40, "peers"],
    ]);
  },
);

it("a run has a chart for each part of the works that it has", { ...LIMIT, skip }, async () => {
  const { chartsOf } = await import("../../benches/peers/chart.ts");
  assertEquals(chartsOf(runOf(GROUP)).map(({ name }) => name), ["free-threads"]);
});

it("a work has one name and one title", LIMIT, () => {
  assertEquals(new Set(WORKS.map(({ name }) => name)).size, WORKS.length);
  assertEquals(new Set(WORKS.map(({ title }) => title)).size, WORKS.length);
});

it("a title has no comma and no parenthesis: it stands in lists, with its scope in parentheses", LIMIT, () => {
  assertEquals(WORKS.filter(({ name, title }) => /[,()]/.test(name + title)), []);
});

it("works are chosen by name, or by how the name begins", LIMIT, () => {
  assertEquals(worksNamed(undefined), WORKS);
  assertEquals(worksNamed("lock/2").map(({ name }) => name), ["lock/2"]);
  assertEquals(worksNamed("pipe,lock/4 s").length, 4);
  for (const text of ["nothing", "", "lock,"]) {
    assertThrows(() => worksNamed(text), UserError, "value/set, value/add, queue/free");
  }
});
