/**
 * This library beside what people use instead: npm's pools, bare workers and child processes, CPython, C with futexes.
 * `deno task bench:peers --help` explains its options.
 *
 * What the peers need is installed in `benches/peers/node/` and compiled in `benches/peers/out/` at the first run; what the
 * machine does not have is left out and named.
 */

import { writeFileSync } from "node:fs";
import { findBun, findNode, install } from "../../tools/_install.ts";
import { packedProject } from "../../tools/_packed.ts";
import { toSvg } from "../lib/chart.ts";
import { type Given, namesOption, runCommand } from "../lib/command.ts";
import { Keeper } from "../lib/keeper.ts";
import { paceOf, paceOptions } from "../lib/pace.ts";
import { checkWritable, fromCaller } from "../lib/paths.ts";
import { announce, type Places, placesFor, withProgress } from "../lib/program.ts";
import { readFigures, type Run } from "../lib/results.ts";
import { table } from "../lib/table.ts";
import { UserError } from "../lib/user_error.ts";
import { aboutContestant, CONTESTANT_NAMES } from "./about.ts";
import { build } from "./build.ts";
import { chartsOf } from "./chart.ts";
import { type Contestant, contestants } from "./contestants.ts";
import { greet, groupsIn, measureAll, stepsOfAll } from "./measure.ts";
import { tablesOf } from "./tables.ts";
import { SCOPES } from "./work.ts";
import { WORKS, worksNamed } from "./works.ts";

const PACES = { usual: { starts: 3, rounds: 3 }, quick: { starts: 1, rounds: 2 } } as const;

const COMMAND = {
  task: "bench:peers",
  about: "This library beside npm's pools, bare workers and child processes, CPython, and C with futexes.\n" +
    "All of it takes some hours. Tables are printed, samples and charts are written to files.",
  options: {
    quick: { type: "boolean", about: "the most telling works, within 5 minutes on 2 cores" },
    works: { type: "string", value: "NAMES", about: "works with these names, or whose names begin so. Default: all" },
    players: {
      type: "string",
      value: "NAMES",
      about: "contestants with these names. Default: all that can be had here",
    },
    scope: { type: "string", value: "NAMES", default: SCOPES.join(","), about: "by threads, by processes" },
    packed: { type: "boolean", about: "this library as it is published for npm, installed in a folder of its own" },
    list: { type: "boolean", about: "tells the names of works and contestants, and what they are" },
    ...paceOptions(PACES),
    out: {
      type: "string",
      value: "FILE.json",
      about: "where the samples go. Default: benches/results/peers.json; out/peers.json of a quick run or a part",
    },
    svg: { type: "string", value: "NAME", about: "how the charts' files begin. Default: as FILE.json, or out/peers" },
    from: { type: "string", value: "FILE.json", about: "measures nothing: the tables and charts of these samples" },
  },
  examples: [
    ["--quick", "a look"],
    ["--works=lock,pool/map", "all works of locks, and the maps of pools"],
    ["--players=threading,piscina --scope=threads", "two contestants"],
    ["--from=benches/results/peers.json", "the tables and charts of a run that is kept"],
  ],
  exitCodes: {},
} as const;

/** What this library's players need. */
const PLAYER = ["benches/lib", "benches/peers/weft", "benches/peers/bare"];

await runCommand(COMMAND, async ({ values }) => {
  if (values.list) return console.log(await listed());
  const isWhole = paceOf(values, PACES).isThorough && values.works === undefined && values.players === undefined &&
    values.scope === COMMAND.options.scope.default;
  const places = placesFor("peers", isWhole, values);
  if (values.from === undefined) checkWritable("out", places.out);
  checkWritable("svg", `${places.charts}.svg`);
  const run = values.from === undefined
    ? await runAll(values, places, isWhole)
    : readFigures(fromCaller(values.from), "peers");
  console.log(tablesOf(run));
  for (const { name, spec } of chartsOf(run)) {
    const file = `${places.charts}-${name}.svg`;
    writeFileSync(file, await toSvg(spec));
    console.log(`Chart: ${file}`);
  }
});

/** All that can take part here, and a sentence for each that cannot. `weft`: where this library's player is. */
async function allContestants(weft?: string): Promise<{ found: Contestant[]; missing: string[] }> {
  await install();
  const failed = await build();
  const node = await findNode().catch(() => undefined);
  const runtimes = {
    Deno: [Deno.execPath(), "run", "-A", "--no-check"],
    Bun: [await findBun()],
    Node: node === undefined ? undefined : [node, "--disable-warning=ExperimentalWarning"],
  };
  const { found, missing } = contestants(runtimes, weft);
  const without = node === undefined ? ["Without this library on Node: no Node was found that is new enough."] : [];
  return { found, missing: [...failed, ...without, ...missing] };
}

/** The names of works and contestants, and what they are. */
async function listed(): Promise<string> {
  const { found } = await allContestants();
  const byName = Map.groupBy(found, ({ name }) => name);
  const works = WORKS.map(({ name, title, about }) => [name, title, about]);
  const players = [...byName].flatMap(([name, members]) => {
    const byAbout = Map.groupBy(members, ({ runtime }) => aboutContestant(name, runtime) ?? "");
    return [...byAbout].map((
      [about, some],
    ) => [name, [...new Set(some.map(({ runtime }) => runtime))].join(", "), about]);
  });
  return [
    table(["--works", "Title", "What is done"], works, 3),
    table(["--players", "On", "What it is"], players, 3),
  ].join("\n\n");
}

type Values = Given<typeof COMMAND.options>["values"];

async function runAll(values: Values, places: Places, isWhole: boolean): Promise<Run> {
  if (!values.packed) return await runWith(values, places, isWhole, undefined);
  const { folder, remove } = await packedProject(PLAYER, false);
  try {
    return await runWith(values, places, isWhole, `${folder}benches/peers/weft/player.ts`);
  } finally {
    remove();
  }
}

async function runWith(values: Values, places: Places, isWhole: boolean, weft: string | undefined): Promise<Run> {
  const works = worksNamed(values.works).filter(({ quick }) => !values.quick || quick || values.works !== undefined);
  const scopes = namesOption("scope", values.scope, SCOPES) ?? SCOPES;
  const { starts, rounds } = paceOf(values, PACES);
  const names = namesOption("players", values.players, CONTESTANT_NAMES);
  announce(places, isWhole, values.out);
  const { found, missing } = await allContestants(weft);
  const chosen = found.filter(({ name, scope }) => scopes.includes(scope) && (names ?? [name]).includes(name));
  const { greeted, failed } = await greet(chosen);
  const packed = weft === undefined ? [] : ["This library is the package as it is published for npm, installed."];
  const notes = [...packed, ...missing, ...failed];
  for (const each of notes) console.error(each);
  const options = { quick: values.quick, works, contestants: greeted, notes, starts, rounds };
  const steps = stepsOfAll(options);
  if (steps === 0) {
    throw new UserError(
      "Cannot run benchmarks: there must be a work that one of this library's contestants and another one can do: " +
        "received other works, contestants or scopes; --list tells which there are",
    );
  }
  const { quick } = values;
  const { out } = places;
  const keeper = new Keeper({ kind: "peers", quick, file: out, total: groupsIn(options), parts: "groups" });
  const measured = await withProgress(steps, (onStep) => {
    return measureAll({ ...options, onStep, onGroup: (soFar, done) => keeper.part(soFar, done) });
  });
  const run = keeper.whole(measured);
  console.log(`Results: ${out}\n`);
  return run;
}
