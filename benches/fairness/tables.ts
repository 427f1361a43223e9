/** The tables of fairness: what a turn takes, and how the threads shared them. */

import { inMarkdown } from "../lib/markdown.ts";
import { headOf, Notes, remarkOn } from "../lib/notes.ts";
import type { Contestant, Group, Run } from "../lib/results.ts";
import { figuresOf } from "../lib/standings.ts";
import { figures, formatNs, table } from "../lib/table.ts";
import { type COUNTS, groupOf, LOCKS, MACHINES, SECTIONS, type Setting, SETTINGS, titleOf } from "./plan.ts";

/** What the columns are called. */
export const COLUMNS = {
  threads: "Threads",
  section: "Section",
  machine: "Machine",
  lock: "Lock",
  time: "Time of a turn",
  share: "Least served thread",
  wait: "Longest wait, in turns of others",
} as const;

const READING =
  `All threads want one lock all the time for a second. **${COLUMNS.time}**: the second divided by the turns of all threads. **${COLUMNS.share}**: its
turns beside an equal share of them; 100 % is even. **${COLUMNS.wait}**: how often others had the lock, at most, between two turns of the
same thread. Each is the median of the starts. A lock that is fair to each turn hands it from thread to thread, and a turn then takes as
long as a wake-up; a lock that is fast lets a thread that is awake have it again. This library does the latter, until a waiter has been
woken several times in vain: then only threads that have waited may have it.`;

/** The run in Markdown. */
export function tablesOf(measured: Run): string {
  const run = inMarkdown(measured);
  return [headOf(run, "See the text below the table", run.notes ?? []), overview(run)].join("\n\n");
}

/** The table of all settings, and what it shows. */
export function overview({ groups }: Run): string {
  const notes = new Notes();
  const rows = SETTINGS.flatMap((setting) => rowsOf(setting, groups, notes));
  const head = Object.values(COLUMNS);
  return [
    table(head, rows, 4),
    ...notes.below(),
    READING,
    told(
      "Section",
      Object.fromEntries(Object.entries(SECTIONS).map(([name, { about }]) => [name, `a thread ${about}`])),
    ),
    told("Machine", MACHINES),
    told("Lock", LOCKS),
  ].join("\n\n");
}

function told(title: string, about: Readonly<Record<string, string>>): string {
  return Object.entries(about).map(([name, text]) => `- **${title}, ${name}**: ${text}.`).join("\n");
}

function rowsOf(setting: Setting, groups: readonly Group[], notes: Notes): string[][] {
  const counted = (count: keyof typeof COUNTS): readonly Contestant[] =>
    groups.find(({ name }) => name === groupOf(setting, count))?.contestants ?? [];
  return counted("time").map((contestant) => {
    const { name, runtime } = contestant;
    const cell = (count: keyof typeof COUNTS, format: (value: number) => string): string => {
      const found = counted(count).find((each) => each.name === name && each.runtime === runtime);
      const measured = found && figuresOf(found);
      return measured === undefined ? "-" : format(measured.median);
    };
    return [
      String(setting.threads),
      setting.section,
      setting.machine,
      `${name}, ${runtime}`,
      cell("time", formatNs) + notes.mark(remarkOn(titleOf(setting), contestant)),
      cell("share", (value) => `${figures(value)} %`),
      cell("wait", (value) => value.toLocaleString("en")),
    ];
  });
}
