/** The page docs/benchmarks.md, made from results alone. */

import { tableOf as coresTable } from "../cores/tables.ts";
import { asked } from "../distributed/tables.ts";
import { describeMachine } from "../lib/machine.ts";
import { inCode, inMarkdown } from "../lib/markdown.ts";
import { busyNoteOf, type Group, type Run, stoppedNoteOf } from "../lib/results.ts";
import { tableOf as peersTable } from "../peers/tables.ts";
import { aboutBench, aboutCores, aboutDistributed, aboutPeers } from "./about.ts";
import { multiples } from "./bare.ts";
import { speedups } from "./cores.ts";
import { behind, overview, tally } from "./peers.ts";
import { COMMANDS, headOf, HOW, NOTES } from "./text.ts";

/** A chart that has been drawn. */
export interface Drawn {
  /** From the page's folder. */
  readonly file: string;
  /** For readers that do not see it. */
  readonly alt: string;
}

/** A run that is reported, and the charts of it. */
export interface Reported {
  /** The file of the results, as the page names it. */
  readonly source: string;
  readonly run: Run;
  readonly charts: readonly Drawn[];
}

interface Section {
  readonly kind: Run["kind"];
  readonly title: string;
  /** What the overview has, in words. */
  readonly told: string;
  readonly overview: (run: Run) => string;
  /** Where ours stands among its peers. */
  readonly standing: readonly ((run: Run) => string)[];
  /** What was done, and by what. */
  readonly about?: (run: Run) => string;
  readonly tableOf: (group: Group, run: Run) => string;
}

const SECTIONS: readonly Section[] = [
  {
    kind: "peers",
    title: "Beside what there is instead",
    told:
      "How many times as much ours takes as the best peer that can be had on the same runtime, and as the best of those that run " +
      "where ours does not, on Node, CPython or C (less is better, below one ours is ahead):",
    overview,
    standing: [tally, behind],
    about: aboutPeers,
    tableOf: peersTable,
  },
  {
    kind: "cores",
    title: "Across cores",
    told:
      "How many times as fast a job is with a worker for each core (more is better), and what part of these cores that uses:",
    overview: speedups,
    standing: [behind],
    about: aboutCores,
    tableOf: coresTable,
  },
  {
    kind: "distributed",
    title: "Many machines",
    told:
      "What a task of a fleet takes that goes through a server, beside a job queue and the pool of processes of one machine, what was " +
      "asked of it, and whether that is reached. Server, agent and program are on one machine, so that no network is in the figures:",
    overview: asked,
    standing: [behind],
    about: aboutDistributed,
    tableOf: peersTable,
  },
  {
    kind: "bench",
    title: "Beside the bare platform",
    told:
      "What each takes, and how many times as much that is as the bare operation of the platform, which does less (less is " +
      "better):",
    overview: multiples,
    standing: [],
    about: aboutBench,
    tableOf: peersTable,
  },
];

/** The text of the page. */
export function page(measured: readonly Reported[]): string {
  const reported = measured.map((each) => ({ ...each, source: inCode(each.source), run: inMarkdown(each.run) }));
  const parts = SECTIONS.flatMap((section) => {
    const members = reported.filter(({ run }) => run.kind === section.kind);
    return members.length === 0
      ? []
      : [`## ${section.title}`, ...members.flatMap((one) => body(section, one, members))];
  });
  return `${[headOf(reported.map(({ source }) => source)), ...parts, COMMANDS, HOW].join("\n\n")}\n`;
}

function body(section: Section, { source, run, charts }: Reported, all: readonly Reported[]): string[] {
  const from = originOf(source, run);
  const machine = machineOf(run);
  const isAlone = all.filter((each) => machineOf(each.run) === machine).length === 1;
  return [
    isAlone ? `### ${machine}` : `### ${machine}: ${source}`,
    // Machine, date and command are in the charts themselves.
    ...charts.map(({ file, alt }) => `![${alt}](${file})`),
    section.told,
    section.overview(run),
    from,
    ...section.standing.map((tell) => tell(run)).filter((text) => text !== ""),
    ...notesOn(run),
    ...[section.about?.(run) ?? ""].filter((text) => text !== ""),
    "<details><summary>All figures</summary>",
    from,
    ...run.groups.flatMap((group) => [`#### ${group.name}`, section.tableOf(group, run)]),
    "</details>",
  ];
}

/** The machine in a heading. */
function machineOf({ machine }: Run): string {
  return `${machine.cores} cores of ${machine.processor}`;
}

/** What is to be said of works that the run has, and of the run. */
function notesOn(run: Run): string[] {
  const notes = NOTES.filter(({ about }) => run.groups.some(({ name }) => about.test(name)));
  const lines = [...notes.map(({ text }) => text), ...run.notes ?? []];
  return lines.length === 0 ? [] : [lines.map((line) => `- ${line}`).join("\n")];
}

/** Machine, date and command, for below a table or chart. */
function originOf(source: string, run: Run): string {
  const date = new Date(run.date).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
  const rough = run.quick ? " A short run: its figures are rough." : "";
  const stopped = stoppedNoteOf(run);
  const busy = busyNoteOf(run);
  return `_\`${run.command}\`, ${date}, ${describeMachine(run.machine)}. Samples: \`${source}\`.${rough}${
    stopped === undefined ? "" : ` ${stopped}.`
  }${busy === undefined ? "" : ` ${busy}.`}_`;
}
