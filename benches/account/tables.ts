/** The tables of an account: pieces, operations that are made of them, and the first operations of a program. */

import { inMarkdown } from "../lib/markdown.ts";
import { headOf, Notes, remarkOn } from "../lib/notes.ts";
import type { Group, Run } from "../lib/results.ts";
import { factor, type Figures, figuresOf } from "../lib/standings.ts";
import { formatNs, table } from "../lib/table.ts";
import { type Count, COUNTS, writesOf } from "./counts.ts";
import { FLOOR } from "./floor_plan.ts";
import { floors } from "./floor_tables.ts";
import { FIRST, groupOf, LOAD, MEMORIES, OPERATIONS, PAIR, STORE } from "./plan.ts";

/** What the columns are called. */
export const COLUMNS = {
  minimum: "minimum",
  median: "median",
  writes: "Atomic writes",
  pieces: "its pieces",
  rest: "rest",
  what: "The rest of it",
  counted: "Its pieces",
  warm: "over the same when warm",
} as const;

const READING =
  "Pieces are measured without the library; the rest of an operation is its median less the medians of its pieces";

/** The account in Markdown. */
export function tablesOf(measured: Run): string {
  const run = inMarkdown(measured);
  return [headOf(run, READING, run.notes ?? []), overview(run)].join("\n\n");
}

/** All tables. A table without rows is left out. */
export function overview(run: Run): string {
  return [pieces(run), operations(run), first(run), floors(run)].filter((text) => text !== "").join("\n\n");
}

/** What was measured on a runtime, by group and row. */
class Measured {
  readonly runtimes: readonly string[];
  readonly notes = new Notes();
  readonly #groups: readonly Group[];

  constructor({ groups }: Run) {
    this.#groups = groups;
    this.runtimes = [
      ...new Set(
        groups.filter(({ name }) => !name.startsWith(FLOOR)).flatMap(({ contestants }) =>
          contestants.map(({ runtime }) => runtime)
        ),
      ),
    ];
  }

  find(group: string, name: string, runtime: string): Figures | undefined {
    const contestant = this.#groups.find((each) => each.name === group)?.contestants
      .find((each) => each.name === name && each.runtime === runtime);
    return contestant && figuresOf(contestant);
  }

  /** The cells of minimum and median; empty ones if it was not measured. */
  both(group: string, figures: Figures | undefined): string[] {
    if (figures === undefined) return ["", ""];
    const { contestant, median } = figures;
    const mark = this.notes.mark(remarkOn(group, contestant));
    return [formatNs(Math.min(...contestant.samples.map(({ value }) => value))), formatNs(median) + mark];
  }

  /** A head with these columns for each runtime. */
  head(...columns: string[]): string[] {
    return this.runtimes.flatMap((runtime) => columns.map((column) => `${runtime}: ${column}`));
  }
}

/** The pieces: a table for each group. */
function pieces(run: Run): string {
  const tables = run.groups.filter(({ name }) => name !== OPERATIONS && name !== FIRST && !name.startsWith(FLOOR)).map(
    (group) => {
      const measured = new Measured(run);
      const names = [...new Set(group.contestants.map(({ name }) => name))];
      const rows = names.map((name) => [
        name,
        ...measured.runtimes.flatMap((runtime) => measured.both(group.name, measured.find(group.name, name, runtime))),
      ]);
      const title = `${group.name.charAt(0).toUpperCase()}${group.name.slice(1)}`;
      const head = [title, ...measured.head(COLUMNS.minimum, COLUMNS.median)];
      return [table(head, rows), ...measured.notes.below()].join("\n\n");
    },
  );
  return tables.join("\n\n");
}

/** The operations: time, pieces and rest, and below that what these are. */
function operations(run: Run): string {
  const measured = new Measured(run);
  const rows = COUNTS.flatMap((count) => {
    const cells = measured.runtimes.map((runtime) => cellsOf(measured, count, runtime));
    return cells.every(([time]) => time === "") ? [] : [{ count, cells: cells.flat() }];
  });
  if (rows.length === 0) return "";
  const { minimum, median, writes, pieces, rest, counted, what } = COLUMNS;
  const figures = table(
    ["Operation", writes, ...measured.head(minimum, median, pieces, rest)],
    rows.map(({ count, cells }) => [count.name, `${writesOf(count)}`, ...cells]),
  );
  const meaning = table(
    ["Operation", counted, what],
    rows.map(({ count }) => [count.name, piecesOf(count), count.rest]),
    3,
  );
  return [figures, ...measured.notes.below(), meaning].join("\n\n");
}

/** The counted pieces of an operation, in words. */
function piecesOf(count: Count): string {
  const { pieces = [], reads = 0 } = count;
  const byName = Map.groupBy(pieces, (name) => name);
  return [
    `${writesOf(count)} atomic ${count.kind === "swaps" ? "exchanges" : "stores"}`,
    ...(reads === 0 ? [] : [`${reads} atomic reads`]),
    ...[...byName].map(([name, { length }]) => length === 1 ? name : `${length} x ${name}`),
  ].join(", ");
}

function cellsOf(measured: Measured, count: Count, runtime: string): string[] {
  const figures = measured.find(OPERATIONS, count.name, runtime);
  const times = measured.both(OPERATIONS, figures);
  const price = priceOf(measured, count, runtime);
  if (figures === undefined || price === undefined) return [...times, "", ""];
  return [...times, formatNs(price), formatNs(figures.median - price)];
}

/** What as many bare operations take, with the other pieces; `undefined` if some of these were not measured. */
function priceOf(measured: Measured, count: Count, runtime: string): number | undefined {
  const medianOf = (group: string, name: string) => measured.find(group, name, runtime)?.median ?? NaN;
  const { memory, kind, reads = 0, pieces = [] } = count;
  const write = kind === "swaps" ? medianOf(memory, PAIR) / 2 : medianOf(memory, STORE);
  const read = reads === 0 ? 0 : medianOf(memory, LOAD) * reads;
  const others = pieces.map((name) => medianOf(groupOf(name), name));
  const price = others.reduce((sum, each) => sum + each, writesOf(count) * write + read);
  return Number.isNaN(price) ? undefined : price;
}

/** The first operations of a program, beside the same in a program that has made many. */
function first(run: Run): string {
  const measured = new Measured(run);
  const names = new Set(
    run.groups.filter(({ name }) => name === FIRST).flatMap(({ contestants }) => contestants.map(({ name }) => name)),
  );
  const rows = [...names].map((name) => [
    name,
    ...measured.runtimes.flatMap((runtime) => {
      const cold = measured.find(FIRST, name, runtime);
      const warm = warmOf(measured, name, runtime);
      const times = measured.both(FIRST, cold);
      return [...times, cold === undefined || warm === undefined ? "" : factor(cold.median / warm.median)];
    }),
  ]);
  if (rows.length === 0) return "";
  const { minimum, median, warm } = COLUMNS;
  return [
    table(["In a new program, each of", ...measured.head(minimum, median, warm)], rows),
    ...measured.notes.below(),
  ].join("\n\n");
}

function warmOf(measured: Measured, name: string, runtime: string): Figures | undefined {
  const same = name.replace(/: the first .*/, "");
  return measured.find(same === PAIR ? MEMORIES.fixed : OPERATIONS, same, runtime);
}
