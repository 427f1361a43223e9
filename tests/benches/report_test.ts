/** What docs/benchmarks.md is made of: made-up results whose every figure is known. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { type Contestant, type Group, type Run, writeRun } from "../../benches/lib/results.ts";
import { page } from "../../benches/report/page.ts";
import { aboutGroup } from "../../benches/report/short_benches.ts";
import { REASONS } from "../../benches/report/reasons.ts";
import { COLUMNS as CORES } from "../../benches/cores/tables.ts";
import { COLUMNS as PEERS } from "../../benches/peers/tables.ts";
import { WORKS } from "../../benches/peers/works.ts";
import { ACCOUNT, COMMANDS, headOf, HOW, NOTES } from "../../benches/report/text.ts";
import { withFolder } from "./_folder.ts";

const LIMIT = 10_000;
const BENCHES = fileURLToPath(new URL("../../benches", import.meta.url));

function contestant(name: string, runtime: string, values: number[], more: Partial<Contestant> = {}): Contestant {
  const samples = values.map((value) => ({ value, processorNs: value * 2, othersShare: 0.01, start: 0 }));
  return { name, runtime, ours: false, dropped: 0, samples, ...more };
}

function group(...contestants: Contestant[]): Group {
  return { name: "some work", unit: "ns", better: "less", contestants };
}

function runOf(groups: Group[], more: Partial<Run> = {}): Run {
  return {
    schema: 1,
    kind: "peers",
    machine: {
      processor: "Some Processor",
      cores: 7,
      memory: 3 * 2 ** 30,
      system: "some system",
      versions: { Deno: "9.8" },
    },
    date: "2031-05-23T00:00:00Z",
    command: "deno task bench:peers",
    quick: false,
    groups,
    ...more,
  };
}

function pageOf(run: Run): string {
  return page([{ source: "results/made-up.json", run, charts: [] }]);
}

/** The cells of the row of a table that begins with this. */
function row(text: string, begin: string): string[] {
  const line = text.split("\n").find((each) => each.startsWith(`| ${begin}`));
  if (line === undefined) throw new Error(`No row '${begin}' in:\n${text}`);
  return line.split("|").slice(1, -1).map((cell) => cell.trim());
}

const ours = { ours: true };

describe("the report of benchmarks", () => {
  it("has no other numbers than those of the results", { timeout: LIMIT }, () => {
    const text = pageOf(runOf([group(
      contestant("Lock", "Deno", [110, 120, 130], { ...ours, dropped: 4 }),
      contestant("other", "Deno", [480, 480], { dropped: 5 }),
    )]));
    const [figures] = text.slice(text.indexOf("## Beside")).split(COMMANDS);
    const numbers = figures!.match(/\d+(\.\d+)?/g)!;
    const known = [
      ...["0", "1"], // How many are ahead, level and behind, of how many.
      ...["7", "7", "3", "9.8", "23", "2031"], // The machine and the date.
      ...["120", "4.2", "240", "0.25"], // Ours: median, spread, processor, beside the peer.
      ...["480", "0.0", "960"],
      ...["3", "2", "1"], // Samples and starts.
      ...["4", "5"], // Dropped.
    ];
    assertEquals(numbers.filter((number) => !known.includes(number)), []);
    assertEquals(known.filter((number) => !numbers.includes(number)), []);
  });

  it("has no number in its words", { timeout: LIMIT }, () => {
    const texts = [
      headOf(["a.json"]),
      COMMANDS,
      HOW,
      ACCOUNT,
      ...NOTES.map(({ text }) => text),
      ...REASONS.map(({ because }) => because),
    ];
    for (const text of texts) assertEquals(/\d/.exec(text.replaceAll(/`[^`]*`/g, "")), null, text);
  });

  it("says of each table which machine, day and command it is from", { timeout: LIMIT }, () => {
    const text = pageOf(runOf([group(contestant("Lock", "Deno", [1], ours), contestant("other", "Deno", [700]))]));
    assertEquals(row(text, "some work").slice(1), ["0.0014 x other", ""]);
    const origin = /`deno task bench:peers`, 23 May 2031, 7 cores of Some Processor.*`results\/made-up\.json`/g;
    assertEquals(text.match(origin)?.length, 2);
  });

  it("tells the median of the samples, their spread and the processor's time", { timeout: LIMIT }, () => {
    const text = pageOf(runOf([group(
      contestant("Lock", "Deno", [90, 100, 100, 100, 130], ours),
      contestant("other", "Bun", [900, 1_000, 1_100]),
    )]));
    assertEquals(row(text, "**Lock, Deno**").slice(1, 6), [
      ...["100 ns", "± 0.0 %", "5 from 1 start", "200 ns", "0.10 x other, Bun"],
    ]);
    assertEquals(row(text, "other, Bun").slice(1, 6), [
      ...["1.00 µs", "± 5.0 %", "3 from 1 start", "2.00 µs", "best elsewhere"],
    ]);
  });

  it("compares ours with peers of the same runtime and of runtimes where ours is not", { timeout: LIMIT }, () => {
    const text = pageOf(runOf([group(
      contestant("Lock", "Deno", [100], ours),
      contestant("Lock", "Bun", [100], ours),
      contestant("fast on Bun", "Bun", [50]),
      contestant("queue", "CPython", [400]),
    )]));
    assertEquals(row(text, "some work").slice(1), [
      ...["", "0.25 x queue, CPython", "2.00 x fast on Bun", "0.25 x queue, CPython"],
    ]);
  });

  it("counts more as better where it is", { timeout: LIMIT }, () => {
    const rates: Group = {
      ...group(contestant("Lock", "Deno", [300], ours), contestant("other", "Deno", [100])),
      better: "more",
    };
    assertEquals(row(pageOf(runOf([rates])), "some work").slice(1), ["0.33 x other", ""]);
  });

  it("says where a peer is ahead, by how much, and why if that is known", { timeout: LIMIT }, () => {
    const members = [contestant("Lock", "Deno", [300, 300], ours), contestant("bare Worker", "Deno", [99, 101])];
    const text = pageOf(runOf([{ ...group(...members), name: "Lock: uncontended (threads)" }, group(...members)]));
    const [, leads] = text.split("Where a peer is ahead by more than the noise");
    assertEquals(row(leads!, "Lock"), ["Lock: uncontended (threads)", "bare Worker", "Deno", "3.00 x", "A"]);
    assertMatch(leads!, /^\*\*A\.\*\* The bare lock knows/m);
    assertEquals(row(leads!, "some work"), ["some work", "bare Worker", "Deno", "3.00 x", "not known"]);
  });

  it("counts where ours is ahead, level and behind, by the best peer alone", { timeout: LIMIT }, () => {
    const others = [contestant("slow", "Deno", [900, 900]), contestant("other", "Deno", [100, 100])];
    const groups = [20, 30, 100, 500].map((ns) => group(contestant("Lock", "Deno", [ns, ns], ours), ...others));
    assertStringIncludes(
      pageOf(runOf(groups)),
      "On Deno, ours is ahead of the best peer there in 2 of 4 figures, level with it within the noise in 1, and behind in 1.",
    );
  });

  it("counts no figure from a busy machine as ahead or behind", { timeout: LIMIT }, () => {
    const members = [
      contestant("Lock", "Deno", [500, 500], ours),
      contestant("other", "Deno", [100, 100], { busy: 0.4 }),
    ];
    const text = pageOf(runOf([group(...members)]));
    assertEquals(text.includes("ours is ahead of"), false);
    const sound = [contestant("Lock", "Deno", [50, 50], ours), contestant("other", "Deno", [100, 100])];
    assertStringIncludes(
      pageOf(runOf([group(...members), group(...sound)])),
      "ahead of the best peer there in 1 of 1 figures",
    );
  });

  it(
    "names the peers that are ahead for no known reason, beside those whose reason is known",
    { timeout: LIMIT },
    () => {
      const members = [
        contestant("Lock", "Deno", [300, 300], ours),
        contestant("bare Worker", "Deno", [99, 101]),
        contestant("riddle", "CPython", [50, 50]),
      ];
      const text = pageOf(runOf([{ ...group(...members), name: "Lock: uncontended (threads)" }]));
      const [, leads] = text.split("Where a peer is ahead by more than the noise");
      assertEquals(row(leads!, "Lock: uncontended (threads) | bare").at(-1), "A");
      assertEquals(row(leads!, "Lock: uncontended (threads) | riddle").at(-1), "not known");
    },
  );

  it("tells no ratio to 0, and counts none of it as ahead", { timeout: LIMIT }, () => {
    const members = [contestant("Lock", "Deno", [300, 300], ours), contestant("bare Worker", "Deno", [0, 0])];
    for (const kind of ["peers", "bench", "cores"] as const) {
      const text = pageOf(runOf([group(...members), group(...members.toReversed())], { kind }));
      assertEquals(/NaN|Infinity/.exec(text), null, text);
      assertEquals(text.includes("ours is ahead of the best peer"), false);
    }
  });

  it("says of a run that was stopped that it is a part", { timeout: LIMIT }, () => {
    const text = pageOf(runOf([group(contestant("Lock", "Deno", [100], ours))], { stopped: "3 of 40 groups" }));
    assertStringIncludes(text, " This is a part of a run that was stopped: 3 of 40 groups.");
  });

  it("calls no peer ahead, and gives no reason, within the noise", { timeout: LIMIT }, () => {
    const level = [contestant("Lock", "Deno", [104, 104], ours), contestant("bare Worker", "Deno", [100, 100])];
    const lone = [contestant("Lock", "Deno", [300], ours), contestant("bare Worker", "Deno", [100])];
    const noisy = [contestant("Lock", "Deno", [80, 130, 180], ours), contestant("bare Worker", "Deno", [60, 100, 140])];
    for (const members of [level, lone, noisy]) {
      const text = pageOf(runOf([{ ...group(...members), name: "Lock: uncontended (threads)" }]));
      assertStringIncludes(text, members === lone ? "These are lone samples" : "No peer is ahead");
      assertEquals(text.includes("The bare lock knows"), false);
    }
  });

  it("shows a contestant that has no samples, and why it has none", { timeout: LIMIT }, () => {
    const text = pageOf(runOf([group(
      contestant("Lock", "Deno", [100], ours),
      contestant("other", "Deno", [], { note: "hangs" }),
    )]));
    assertEquals(row(text, "other, Deno").slice(1), ["", "", "", "", "hangs"]);
  });

  it("has the note of a figure below the table, once", { timeout: LIMIT }, () => {
    const failed = contestant("Lock", "Deno", [100, 100], { ...ours, note: "hangs", failed: true });
    const text = pageOf(runOf([group(failed, contestant("other", "Deno", [200, 200]))]));
    assertEquals(row(text, "some work")[1], "0.50 x other (note 1)");
    assertEquals(text.match(/^Note 1: some work: Lock, Deno: hangs\.$/gm)?.length, 1);
  });

  it("tells the meaning of each column, by the name that it has in the tables", { timeout: LIMIT }, () => {
    for (const name of [...Object.values(PEERS), ...Object.values(CORES)]) {
      assert(HOW.includes(`**${name}`), `${name} is not explained`);
    }
  });

  it("names the files that it is made of, and no others", { timeout: LIMIT }, () => {
    const text = pageOf(runOf([group(contestant("Lock", "Deno", [1], ours), contestant("other", "Deno", [2]))]));
    assertStringIncludes(text, "All figures on this page come from `results/made-up.json`, which");
    assert(!text.includes("benches/results/"), text);
  });

  it("tells what is done and by what, of the works and contestants that there are", { timeout: LIMIT }, () => {
    const members = [contestant("threading", "Deno", [1, 1], ours), contestant("bare Atomics", "Deno", [2, 2])];
    const text = pageOf(runOf([{ ...group(...members), name: "Lock: uncontended (threads)" }]));
    assertMatch(row(text, "Lock: uncontended |").at(-1)!, /^A lock that no other thread wants/);
    assertMatch(text, /^\| threading +\| +this library's threads/m);
    assertMatch(text, /^\| bare Atomics +\| +workers that use `Atomics`/m);
    assert(!/^\| piscina/m.test(text), text);
  });

  it("tells what each group of the short benches does", { timeout: LIMIT }, () => {
    const groups: string[] = [];
    for (const name of readdirSync(BENCHES).filter((name) => name.endsWith("_bench.ts"))) {
      const text = readFileSync(`${BENCHES}/${name}`, "utf8");
      const names = [...text.matchAll(/^ *const \w+ = ["`]([a-z\d$][^"`]* [^"`]*)["`];$/gm)].map(([, name]) => name!);
      assert(names.length > 0, name);
      groups.push(...names);
    }
    assertEquals(groups.filter((name) => aboutGroup(name) === undefined), []);
  });

  it("says that a figure is from a busy machine, and that a run was short", { timeout: LIMIT }, () => {
    const busy = contestant("Lock", "Deno", [100], { ...ours, busy: 0.4 });
    const text = pageOf(runOf([group(busy, contestant("other", "Deno", [200]))], { quick: true }));
    assertEquals(row(text, "**Lock, Deno**").at(-1), "busy machine: others used up to 40 %");
    assertEquals(row(text, "some work")[1], "0.50 x other (busy)");
    assertStringIncludes(text, "A short run: its figures are rough.");
  });

  it(
    "tells what a bare operation takes and the others as multiples of it, for each runtime",
    { timeout: LIMIT },
    () => {
      const text = pageOf(runOf([group(
        contestant("bare", "Deno", [20, 20]),
        contestant("Lock", "Deno", [50, 50], ours),
        contestant("bare", "Bun", [10, 10]),
        contestant("Lock", "Bun", [40, 40], { ...ours, busy: 0.4 }),
      )], { kind: "bench" }));
      assertEquals(row(text, "some work"), ["some work", "Deno: time", "over bare", "Bun: time", "over bare"]);
      assertEquals(row(text, "bare"), ["bare (bare)", "20.0 ns", "1", "10.0 ns", "1"]);
      assertEquals(row(text, "Lock"), ["Lock", "50.0 ns", "2.50 x", "40.0 ns (busy)", "4.00 x (busy)"]);
    },
  );

  it("tells the speed-up across cores, also of bare workers", { timeout: LIMIT }, () => {
    const across = runOf([{
      ...group(
        contestant("without workers", "Deno", [700]),
        contestant("threading", "Deno", [140], { ...ours, workers: 7 }),
        contestant("bare Workers", "Deno", [125], { workers: 7 }),
      ),
      name: "A job (Deno)",
    }], { kind: "cores" });
    assertEquals(row(pageOf(across), "A job (Deno)"), [
      ...["A job (Deno)", "without workers", "5.00, 71.4 %", "", "5.60, 80.0 %"],
    ]);
  });
});

// On Bun the package that draws the charts is not installed.
if ("Deno" in globalThis) {
  const { keptResults, reportOf } = await import("../../benches/report.ts");
  const kept = keptResults();

  it(
    "a report has charts of their own for each file, also where files have one name",
    { timeout: LIMIT },
    () =>
      withFolder((folder) => {
        const [work] = WORKS;
        const members = [contestant("threading", "Deno", [1], ours), contestant("bare Worker", "Deno", [2])];
        const run = runOf([{ ...group(...members), name: `${work!.title} (threads)` }]);
        const files = ["one/a run.json", "other/a run.json", "other/a run-2.json"].map((name) => `${folder}/${name}`);
        for (const file of files) writeRun(file, run);
        const { text, charts } = reportOf(files);
        const names = [...charts.keys()];
        assertEquals(names.map((name) => name.replace(/-[a-z]+-threads/, "")), [
          ...["charts/a-run.svg", "charts/a-run-2.svg", "charts/a-run-2-2.svg"],
        ]);
        for (const name of names) assertStringIncludes(text, `](${name})`);
      }),
  );

  describe("docs/benchmarks.md", () => {
    it("is what the results that are kept make", { timeout: LIMIT }, () => {
      const written = readFileSync(new URL("../../docs/benchmarks.md", import.meta.url), "utf8");
      assert(written === reportOf(kept).text, "It is not: run 'deno task bench:report'");
    });
  });
}
