/** The page docs/benchmarks.md, made from results alone. */

import { tableOf as coresTable } from "../cores/tables.ts";
import { describeMachine } from "../lib/machine.ts";
import { busyNoteOf, type Group, type Run } from "../lib/results.ts";
import { tableOf as peersTable } from "../peers/tables.ts";
import { multiples } from "./bare.ts";
import { speedups } from "./cores.ts";
import { behind, overview, tally } from "./peers.ts";
import { HEAD, HOW, NOTES } from "./text.ts";

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
  readonly tableOf: (group: Group, run: Run) => string;
}

const SECTIONS: readonly Section[] = [
  {
    kind: "peers",
    title: "Beside what there is instead",
    told: "How many times as good ours is as the best of its peers, and which that is:",
    overview,
    standing: [tally, behind],
    tableOf: peersTable,
  },
  {
    kind: "cores",
    title: "Across cores",
    told: "How many times as fast a job is with a worker for each core, and what part of these cores that uses:",
    overview: speedups,
    standing: [behind],
    tableOf: coresTable,
  },
  {
    kind: "bench",
    title: "Beside the bare platform",
    told: "What the bare operation takes, and how many times as long the others take, which do more; less is better:",
    overview: multiples,
    standing: [],
    tableOf: peersTable,
  },
];

/** The text of the page. */
export function page(reported: readonly Reported[]): string {
  const parts = SECTIONS.flatMap((section) => {
    const members = reported.filter(({ run }) => run.kind === section.kind);
    return members.length === 0 ? [] : [`## ${section.title}`, ...members.flatMap((one) => body(section, one))];
  });
  return `${[HEAD, ...parts, HOW].join("\n\n")}\n`;
}

function body(section: Section, { source, run, charts }: Reported): string[] {
  const from = originOf(source, run);
  return [
    `### ${run.machine.cores} cores of ${run.machine.processor}`,
    // Machine, date and command are in the charts themselves.
    ...charts.map(({ file, alt }) => `![${alt}](${file})`),
    section.told,
    section.overview(run),
    from,
    ...section.standing.map((tell) => tell(run)).filter((text) => text !== ""),
    ...notesOn(run),
    "<details><summary>All figures</summary>",
    from,
    ...run.groups.flatMap((group) => [`#### ${group.name}`, section.tableOf(group, run)]),
    "</details>",
  ];
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
  const busy = busyNoteOf(run);
  return `_\`${run.command}\`, ${date}, ${describeMachine(run.machine)}. Samples: \`${source}\`.${rough}${
    busy === undefined ? "" : ` ${busy}.`
  }_`;
}
