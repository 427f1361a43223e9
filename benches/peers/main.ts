/**
 * This library beside what people use instead: npm's pools, bare workers and child processes, CPython, C with futexes.
 *
 *     deno task bench:peers                                     all of it, in an hour
 *     deno task bench:peers --quick                             the most telling works, within 5 minutes on 2 cores
 *     deno task bench:peers --works=lock,pool/map               works whose names begin so
 *     deno task bench:peers --players=threading,piscina --scope=threads   some of the contestants
 *     deno task bench:peers --list                              the names of both
 *     deno task bench:peers --starts=5 --rounds=4               more thoroughly
 *     deno task bench:peers --out=FILE.json --svg=FILE.svg      where the results and the charts go
 *     deno task bench:peers --from=FILE.json                    the tables and the charts of results that are there
 *
 * What the peers need is installed in `benches/peers/node/` and compiled in `benches/peers/out/` at the first run; what is
 * not to be had on the machine is left out and named.
 */

import { parseArgs } from "node:util";
import { findBun, install } from "../../tools/_install.ts";
import { toSvg } from "../lib/chart.ts";
import type { Measured } from "../lib/measure.ts";
import { countOption, keepRun, withProgress } from "../lib/program.ts";
import { readRun, type Run } from "../lib/results.ts";
import { build } from "./build.ts";
import { chartsOf } from "./chart.ts";
import { type Contestant, contestants } from "./contestants.ts";
import { greet, measureAll, stepsOfAll } from "./measure.ts";
import { tablesOf } from "./tables.ts";
import { worksNamed } from "./works.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    works: { type: "string", default: "" },
    players: { type: "string", default: "" },
    scope: { type: "string", default: "threads,processes" },
    list: { type: "boolean", default: false },
    starts: { type: "string" },
    rounds: { type: "string" },
    out: { type: "string", default: "benches/results/peers.json" },
    svg: { type: "string" },
    from: { type: "string" },
  },
});

const list = (text: string): string[] => text.split(",").map((each) => each.trim()).filter((each) => each !== "");

if (values.list) {
  console.log(`Works: ${worksNamed([]).map(({ name }) => name).join(", ")}\n`);
  console.log(`Players: ${[...new Set((await players()).found.map(({ name }) => name))].join(", ")}`);
  Deno.exit();
}
const run = values.from === undefined ? await runAll() : readRun(values.from);
console.log(tablesOf(run));
const base = (values.svg ?? (values.from ?? values.out)).replace(/\.(json|svg)$/, "");
for (const [section, spec] of Object.entries(chartsOf(run))) {
  const file = `${base}-${section}.svg`;
  await Deno.writeTextFile(file, await toSvg(spec));
  console.log(`Chart: ${file}`);
}
// Handles of the players may be there still.
Deno.exit();

/** Those that are chosen, and a sentence for each that cannot be had here. */
async function players(): Promise<{ found: Contestant[]; missing: string[] }> {
  await install();
  const failed = await build();
  const runtimes = { Deno: [Deno.execPath(), "run", "-A", "--no-check"], Bun: [await findBun()] };
  const names = list(values.players);
  const scopes = list(values.scope);
  const { found, missing } = contestants(runtimes);
  return {
    found: found.filter(({ name, runtime, scope }) =>
      scopes.includes(scope) &&
      (names.length === 0 || names.some((each) => `${name}, ${runtime}`.toLowerCase().includes(each.toLowerCase())))
    ),
    missing: [...failed, ...missing],
  };
}

async function runAll(): Promise<Run> {
  const works = worksNamed(list(values.works)).filter(({ quick }) => !values.quick || quick || values.works !== "");
  const { found, missing } = await players();
  const { greeted, failed } = await greet(found);
  const notes = [...missing, ...failed];
  for (const each of notes) console.error(each);
  const options = {
    quick: values.quick,
    works,
    contestants: greeted,
    notes,
    starts: countOption("starts", values.starts) ?? (values.quick ? 1 : 3),
    rounds: countOption("rounds", values.rounds) ?? (values.quick ? 2 : 3),
  };
  const keep = (measured: Measured): Run => keepRun("peers", measured, values.quick, values.out);
  const measured = await withProgress(stepsOfAll(options), (onStep) => {
    return measureAll({ ...options, onStep, onGroup: keep });
  });
  console.log(`Results: ${values.out}\n`);
  return keep(measured);
}
