/**
 * A fleet beside a job queue, BullMQ, and beside the local pool, on Deno and Bun. `deno task bench:distributed --help` explains its
 * options.
 *
 * BullMQ is installed in `benches/distributed/bullmq/` at the first run; without a server of Valkey or Redis it is left out.
 */

import { install } from "../../tools/_install.ts";
import { countOption, type Given, namesOption, runCommand } from "../lib/command.ts";
import { Keeper } from "../lib/keeper.ts";
import { checkWritable, fromCaller } from "../lib/paths.ts";
import { announce, type Places, placesFor, withProgress } from "../lib/program.ts";
import { readFigures, type Run } from "../lib/results.ts";
import { table } from "../lib/table.ts";
import { UserError } from "../lib/user_error.ts";
import { measureAll, partsIn, stepsOfAll } from "./measure.ts";
import { ABOUT, PLAYERS, ROWS, rowsNamed } from "./plan.ts";
import { playersNamed } from "./players.ts";
import { tablesOf } from "./tables.ts";

const [STARTS, ROUNDS] = [3, 3];

const COMMAND = {
  task: "bench:distributed",
  about:
    "A fleet beside a job queue, BullMQ on Valkey or Redis, and beside the local pool, on Deno and Bun, with what is\n" +
    "asked of it. All of it takes some 7 minutes. WEFT_VALKEY_SERVER names the server, where it is not on the path.",
  options: {
    rows: { type: "string", value: "NAMES", about: "some of the rows. Default: all" },
    players: { type: "string", value: "NAMES", default: PLAYERS.join(","), about: "what takes part" },
    once: { type: "boolean", about: "each once and next to nothing of it: that it runs, not what the figures are" },
    list: { type: "boolean", about: "tells the names of the rows, and what they and the players are" },
    starts: { type: "string", value: "N", about: `starts of each player. Default: ${STARTS}; 1 with --once` },
    rounds: { type: "string", value: "N", about: `samples of each start. Default: ${ROUNDS}; 1 with --once` },
    out: {
      type: "string",
      value: "FILE.json",
      about: "where the samples go. Default: benches/results/distributed.json; out/distributed.json of a part",
    },
    from: { type: "string", value: "FILE.json", about: "measures nothing: the tables of these samples" },
  },
  examples: [
    ["--rows=trip,chunks --players=fleet,BullMQ", "two rows, without the local pool"],
    ["--once", "that it runs"],
    ["--from=benches/results/distributed.json", "the tables of a run that is kept"],
  ],
  exitCodes: {},
} as const;

type Values = Given<typeof COMMAND.options>["values"];

await runCommand(COMMAND, async ({ values }) => {
  if (values.list) return console.log(listed());
  if (values.from !== undefined) return console.log(tablesOf(readFigures(fromCaller(values.from), "distributed")));
  const starts = countOption("starts", values.starts) ?? (values.once ? 1 : STARTS);
  const rounds = countOption("rounds", values.rounds) ?? (values.once ? 1 : ROUNDS);
  const isWhole = !values.once && starts >= STARTS && rounds >= ROUNDS && values.rows === undefined &&
    values.players === COMMAND.options.players.default;
  const places = placesFor("distributed", isWhole, values);
  checkWritable("out", places.out);
  announce(places, isWhole, values.out);
  console.log(tablesOf(await runAll(values, places, starts, rounds)));
});

/** The names of the rows, and what they and the players are. */
function listed(): string {
  return [
    table(["--rows", "Title", "What is done"], ROWS.map(({ name, title, about }) => [name, title, about]), 3),
    table(["--players", "What it is"], Object.entries(ABOUT), 2),
  ].join("\n\n");
}

async function runAll({ rows, players, once }: Values, places: Places, starts: number, rounds: number): Promise<Run> {
  const chosen = rowsNamed(rows);
  const names = namesOption("players", players, PLAYERS)!;
  await install();
  const found = await playersNamed(names);
  for (const each of found.notes) console.error(each);
  const options = { ...found, rows: chosen, starts, rounds, once };
  const steps = stepsOfAll(options);
  if (steps === 0) {
    throw new UserError(
      "Cannot run benchmarks: there must be a row in which one of the players takes part: received other rows or players; " +
        "--list tells which there are",
    );
  }
  const { out } = places;
  const keeper = new Keeper({ kind: "distributed", quick: once, file: out, total: partsIn(options), parts: "parts" });
  const measured = await withProgress(steps, (onStep) => {
    return measureAll({ ...options, onStep, onPart: (soFar, done) => keeper.part(soFar, done) });
  });
  const run = keeper.whole(measured);
  console.log(`Results: ${out}\n`);
  return run;
}
