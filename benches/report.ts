/**
 * Makes docs/benchmarks.md and its charts from the results of benchmarks.
 *
 *     deno task bench:report                        from all files in benches/results/
 *     deno task bench:report FILE.json … --out=DIR  from others, to another folder
 */

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { basename, relative } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../tools/_install.ts";
import { toSvg } from "./lib/chart.ts";
import { readRun } from "./lib/results.ts";
import { type Chart, chartsOf } from "./report/charts.ts";
import { page, type Reported } from "./report/page.ts";

const RESULTS = `${ROOT}benches/results`;

/** The files of the results that are kept. */
export function keptResults(): string[] {
  if (!existsSync(RESULTS)) return [];
  return readdirSync(RESULTS).filter((name) => name.endsWith(".json")).sort().map((name) => `${RESULTS}/${name}`);
}

/** The text of the page, and its charts by the name of their file, from the page's folder. */
export function reportOf(files: readonly string[]): { text: string; charts: Map<string, Chart> } {
  const charts = new Map<string, Chart>();
  const reported = files.map((file): Reported => {
    const run = readRun(file);
    const drawn = chartsOf(run).map((chart) => {
      const name = `charts/${basename(file, ".json")}-${chart.name}.svg`;
      charts.set(name, chart);
      return { file: name, alt: chart.alt };
    });
    return { source: relative(ROOT, file), run, charts: drawn };
  });
  return { text: page(reported), charts };
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { out: { type: "string", default: `${ROOT}docs` } },
  });
  const files = positionals.length > 0 ? positionals : keptResults();
  if (files.length === 0) {
    throw new Error("Cannot report: no results in 'benches/results': make some with 'deno task bench:peers'");
  }
  const { text, charts } = reportOf(files);
  mkdirSync(`${values.out}/charts`, { recursive: true });
  for (const [name, { spec }] of charts) writeFileSync(`${values.out}/${name}`, await toSvg(spec));
  writeFileSync(`${values.out}/benchmarks.md`, text);
  console.log(
    `${values.out}/benchmarks.md, from ${files.map((file) => relative(ROOT, file)).join(", ")}`,
  );
}
