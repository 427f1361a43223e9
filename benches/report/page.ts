/** The page docs/benchmarks.md, made from results alone. */

import { overview as account } from "../account/tables.ts";
import { tableOf as coresTable } from "../cores/tables.ts";
import { asked } from "../distributed/tables.ts";
import { overview as fairness } from "../fairness/tables.ts";
import { describeMachine } from "../lib/machine.ts";
import { inCode, inMarkdown } from "../lib/markdown.ts";
import { busyNoteOf, type Group, type Run, stoppedNoteOf } from "../lib/results.ts";
import { tableOf as peersTable } from "../peers/tables.ts";
import { aboutBench, aboutCores, aboutDistributed, aboutPeers } from "./about.ts";
import { multiples } from "./bare.ts";
import { speedups } from "./cores.ts";
import { behind, overview, tally } from "./peers.ts";
import { ACCOUNT, COMMANDS, FAIRNESS, headOf, HOW, NOTES } from "./text.ts";

/** A chart that has been drawn. */
export interface Drawn {
  /** Relative to the page's folder. */
  readonly file: string;
  /** For readers that cannot see it. */
  readonly alt: string;
}

/** A run that is reported, and its charts. */
export interface Reported {
  /** The file of the results, as the page names it. */
  readonly source: string;
  readonly run: Run;
  readonly charts: readonly Drawn[];
}

interface Section {
  readonly kind: Run["kind"];
  readonly title: string;
  /** What the overview shows, in words. */
  readonly intro: string;
  readonly overview: (run: Run) => string;
  /** How ours compares with its peers. */
  readonly standing: readonly ((run: Run) => string)[];
  /** The works and the contestants. */
  readonly about?: (run: Run) => string;
  readonly tableOf: (group: Group, run: Run) => string;
}

const SECTIONS: readonly Section[] = [
  {
    kind: "peers",
    title: "Beside the alternatives",
    intro:
      "This library divided by its best peer on the same runtime, and by the best of the peers that run elsewhere, on Node, CPython " +
      "or C. Less is better; below one, this library is ahead.",
    overview,
    standing: [tally, behind],
    about: aboutPeers,
    tableOf: peersTable,
  },
  {
    kind: "cores",
    title: "Across cores",
    intro:
      "The speed-up of a job with a worker for each core (more is better), and the share of the cores that it uses.",
    overview: speedups,
    standing: [behind],
    about: aboutCores,
    tableOf: coresTable,
  },
  {
    kind: "distributed",
    title: "Many machines",
    intro:
      "A task of a fleet, which goes through a server, beside a job queue and the pool of processes of a single machine; the target for " +
      "it, and whether it is reached. Server, agent and program are on the same machine, so the figures include no network.",
    overview: asked,
    standing: [behind],
    about: aboutDistributed,
    tableOf: peersTable,
  },
  {
    kind: "bench",
    title: "Beside the bare platform",
    intro:
      "The time of each operation, and its ratio to the bare operation of the platform, which does less. Less is better.",
    overview: multiples,
    standing: [],
    about: aboutBench,
    tableOf: peersTable,
  },
  {
    kind: "account",
    title: "Where the nanoseconds go",
    intro: ACCOUNT,
    overview: account,
    standing: [],
    tableOf: peersTable,
  },
  {
    kind: "fairness",
    title: "How a lock is shared",
    intro: FAIRNESS,
    overview: fairness,
    standing: [],
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
    section.intro,
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

/** Notes on the works of the run, and on the run itself. */
function notesOn(run: Run): string[] {
  const notes = NOTES.filter(({ about }) => run.groups.some(({ name }) => about.test(name)));
  const lines = [...notes.map(({ text }) => text), ...run.notes ?? []];
  return lines.length === 0 ? [] : [lines.map((line) => `- ${line}`).join("\n")];
}

/** Machine, date and command, to be placed below a table or chart. */
function originOf(source: string, run: Run): string {
  const date = new Date(run.date).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" });
  const rough = run.quick ? " A short run: its figures are rough." : "";
  const stopped = stoppedNoteOf(run);
  const busy = busyNoteOf(run);
  return `_\`${run.command}\`, ${date}, ${describeMachine(run.machine)}. Samples: \`${source}\`.${rough}${
    stopped === undefined ? "" : ` ${stopped}.`
  }${busy === undefined ? "" : ` ${busy}.`}_`;
}
