/** Makes docs/benchmarks.md and its charts from the results of benchmarks. `deno task bench:report --help` explains its options. */

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, relative } from "node:path";
import { ROOT } from "../tools/_install.ts";
import { toSvg } from "./lib/chart.ts";
import { runCommand } from "./lib/command.ts";
import { PART } from "./lib/keeper.ts";
import { checkWritable, fromCaller } from "./lib/paths.ts";
import { readFigures } from "./lib/results.ts";
import { UserError } from "./lib/user_error.ts";
import { type Chart, chartsOf } from "./report/charts.ts";
import { page, type Reported } from "./report/page.ts";

const RESULTS = `${ROOT}benches/results`;

/** The files of the results that are kept, without the parts of runs that were stopped. */
export function keptResults(): string[] {
  if (!existsSync(RESULTS)) return [];
  const names = readdirSync(RESULTS).filter((name) => name.endsWith(".json") && !name.endsWith(PART));
  return names.sort().map((name) => `${RESULTS}/${name}`);
}

/** A file as the page names it: relative to the folder of the project if it is inside. */
function nameOf(file: string): string {
  const path = relative(ROOT, file);
  return path.startsWith("..") ? file : path;
}

/** The text of the page, and its charts by the name of their file, relative to the page's folder. */
export function reportOf(files: readonly string[]): { text: string; charts: Map<string, Chart> } {
  const charts = new Map<string, Chart>();
  const bases = new Set<string>();
  const reported = files.map((file): Reported => {
    const run = readFigures(file);
    const base = baseOf(file, bases);
    const drawn = chartsOf(run).map((chart) => {
      const name = `charts/${base}-${chart.name}.svg`;
      charts.set(name, chart);
      return { file: name, alt: chart.alt };
    });
    return { source: nameOf(file), run, charts: drawn };
  });
  return { text: page(reported), charts };
}

/** How the names of a file's charts begin: with its own name, made fit for a link, and a number if another file has that name. */
function baseOf(file: string, bases: Set<string>): string {
  const name = basename(file, ".json").replaceAll(/[^\w.-]+/g, "-");
  let base = name;
  for (let i = 2; bases.has(base); i++) base = `${name}-${i}`;
  bases.add(base);
  return base;
}

const COMMAND = {
  task: "bench:report",
  about: "Makes a page, benchmarks.md, and its charts from results of bench:record, bench:cores, bench:peers,\n" +
    "bench:distributed, bench:account and bench:fairness.",
  files: "[FILE.json …]",
  options: { out: { type: "string", value: "FOLDER", about: "where the page and its charts go. Default: docs" } },
  examples: [
    ["", "docs/benchmarks.md, from all files in benches/results/"],
    ["out/peers.json --out=/tmp/page", "another page, from other results"],
  ],
  exitCodes: {},
} as const;

if (import.meta.main) {
  await runCommand(COMMAND, async ({ values, files: given }) => {
    const files = given.length > 0 ? given.map(fromCaller) : keptResults();
    if (files.length === 0) {
      throw new UserError(
        "Cannot report: there must be results in benches/results/: make some with deno task bench:cores, bench:peers, " +
          "bench:distributed, bench:account, bench:fairness and bench:record, or name other files",
      );
    }
    const { text, charts } = reportOf(files);
    const out = values.out === undefined ? `${ROOT}docs` : fromCaller(values.out);
    checkWritable("out", `${out}/benchmarks.md`);
    const drawn = await Promise.all([...charts].map(async ([name, { spec }]) => [name, await toSvg(spec)] as const));
    const folder = `${out}/charts`;
    mkdirSync(folder, { recursive: true });
    // Charts of works and results that no longer exist would stay forever.
    if (given.length === 0 && values.out === undefined) {
      for (const name of readdirSync(folder)) if (name.endsWith(".svg")) rmSync(`${folder}/${name}`);
    }
    for (const [name, svg] of drawn) writeFileSync(`${out}/${name}`, svg);
    writeFileSync(`${out}/benchmarks.md`, text);
    console.log(`${out}/benchmarks.md, from ${files.map(nameOf).join(", ")}`);
  });
}
