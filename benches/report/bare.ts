/** The part of the report that sets every operation of the library beside the bare one of the platform. */

import type { Group, Run } from "../lib/results.ts";
import { factor, figuresOf, noteMark } from "../lib/standings.ts";
import { formatValue, table } from "../lib/table.ts";

/** A table for each group: what the bare operation takes, and the others as multiples of it. */
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
  return table(
    [group.name, ...runtimes],
    names.map((name) => [
      name,
      ...runtimes.map((runtime) => {
        const [one, reference] = [find(name, runtime), find(bare, runtime)];
        if (one === undefined || reference === undefined) return "";
        const figure = name === bare ? formatValue(one.median, group.unit) : factor(one.median / reference.median);
        return figure + noteMark(one, reference);
      }),
    ]),
  );
}
