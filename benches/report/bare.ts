/** The part of the report that compares every operation of the library with the bare operation of the platform. */

import { Notes, remarkOn } from "../lib/notes.ts";
import type { Group, Run } from "../lib/results.ts";
import { factor, figuresOf, over } from "../lib/standings.ts";
import { formatValue, table } from "../lib/table.ts";

/** A table for each group: the time of each operation on each runtime, and its ratio to the bare operation. */
export function multiples(run: Run): string {
  return run.groups.map(multiplesOf).join("\n\n");
}

function multiplesOf(group: Group): string {
  const names = [...new Set(group.contestants.map(({ name }) => name))];
  const runtimes = [...new Set(group.contestants.map(({ runtime }) => runtime))];
  const measured = group.contestants.flatMap((each) => figuresOf(each) ?? []);
  const find = (name: string | undefined, runtime: string) =>
    measured.find(({ contestant }) => contestant.name === name && contestant.runtime === runtime);
  // The bare operation comes first in each group.
  const [bare] = names;
  const notes = new Notes();
  const rows = names.map((name) => [
    name === bare ? `${name} (bare)` : name,
    ...runtimes.flatMap((runtime) => {
      const [one, reference] = [find(name, runtime), find(bare, runtime)];
      if (one === undefined) return ["", ""];
      const value = formatValue(one.median, group.unit) + notes.mark(remarkOn(group.name, one.contestant));
      if (reference === undefined) return [value, ""];
      const doubts = notes.mark(remarkOn(group.name, one.contestant), remarkOn(group.name, reference.contestant));
      return [value, name === bare ? "1" : factor(over(group, one, reference)) + doubts];
    }),
  ]);
  const head = runtimes.flatMap((runtime) => [`${runtime}: time`, "over bare"]);
  return [table([group.name, ...head], rows), ...notes.below()].join("\n\n");
}
