/** The tables of the floors: what is asked, what no program goes below, and what the library takes. */

import { Notes, remarkOn } from "../lib/notes.ts";
import type { Group, Run } from "../lib/results.ts";
import { factor, type Figures, figuresOf } from "../lib/standings.ts";
import { formatNs, table } from "../lib/table.ts";
import { ABOUT, FLOOR, type FloorRow, FLOORS, type Goal, LESS, LIBRARY } from "./floor_plan.ts";

/** What the columns are called. */
export const COLUMNS = {
  goal: "Goal",
  floor: "Smallest program",
  overGoal: "program over goal",
  library: "Library",
  libraryOverGoal: "library over goal",
  overFloor: "library over program",
} as const;

/** How a goal stands. */
export const VERDICTS = {
  reached: "reached",
  below: "missed by the program, too",
  open: "missed; the program reaches it",
  near: "missed; the program is at the goal, within the noise",
} as const;

const READING =
  `Some goals of \`bench:peers\` are multiples of what a peer takes. **${COLUMNS.goal}** is that multiple in time, measured in the
same run. **${COLUMNS.floor}** is the fastest of the programs of the second table that do the whole work without the library, and
nothing else: they know no owner, detect no thread that has ended, and cannot be stopped. Every sample starts its threads anew, so
it begins with code that is not compiled. A goal that such a program misses by far is out of reach for a library that does more. It is
evidence and no proof: a faster program may exist. A goal that the program reaches is not thereby in reach of the library: what
is between them is the library's own, some of it for its guarantees. Programs that do less than the row asks are only in the
second table: ${LESS.join(", ")}.`;

/** A goal is at the floor if they differ by less than this part: rows that take long have one sample for each start. */
const NEAR = 0.25;

/** All tables; an empty text if no floor was measured. */
export function floors(run: Run): string {
  const notes = new Notes();
  const goals: string[][] = [];
  const programs: string[][] = [];
  const told: string[] = [];
  const runtimes = [...new Set(run.groups.flatMap(oursOf))];
  for (const row of FLOORS) {
    const group = run.groups.find(({ name }) => name === `${FLOOR}${row.name}`);
    if (group === undefined) continue;
    told.push(`- **${row.name}.** ${row.about}.`);
    for (const goal of row.goals) {
      for (const runtime of goal.runtimes ?? oursOf(group)) {
        const cells = cellsOf(group, row, goal, runtime, notes);
        if (cells !== undefined) {
          goals.push([
            row.name,
            `at least ${goal.asked}`.replace(/^at least (.* the time)/, "at most $1"),
            runtime,
            ...cells,
          ]);
        }
      }
    }
    for (const name of row.programs) {
      const times = runtimes.map((runtime) => find(group, name, runtime));
      if (times.every((each) => each === undefined)) continue;
      programs.push([
        row.name,
        name,
        ABOUT[name]!,
        ...times.map((each) => each === undefined ? "" : formatNs(each.median)),
      ]);
    }
  }
  if (goals.length === 0) return "";
  const { goal, floor, overGoal, library, libraryOverGoal, overFloor } = COLUMNS;
  return [
    "**The floors of what other rows ask**",
    READING,
    table(
      [
        "Row",
        "Asked",
        "On",
        "Program",
        "Verdict",
        goal,
        floor,
        overGoal,
        library,
        libraryOverGoal,
        overFloor,
      ],
      goals,
      5,
    ),
    ...notes.below(),
    told.join("\n"),
    table(["Row", "Program", "What it is", ...runtimes], programs, 3),
  ].join("\n\n");
}

function oursOf({ contestants }: Group): string[] {
  return contestants.filter(({ name }) => name === LIBRARY).map(({ runtime }) => runtime);
}

function find(group: Group, name: string, runtime: string): Figures | undefined {
  const contestant = group.contestants.find((each) => each.name === name && each.runtime === runtime);
  return contestant && figuresOf(contestant);
}

/** From the name of the floor on; `undefined` if a part was not measured. */
function cellsOf(group: Group, row: FloorRow, goal: Goal, runtime: string, notes: Notes): string[] | undefined {
  const peer = find(group, goal.peer, goal.peer === "CPython" ? goal.peer : runtime);
  const ours = find(group, LIBRARY, runtime);
  const names = row.programs.filter((name) => !LESS.includes(name));
  const small = names.flatMap((name) => find(group, name, runtime) ?? []);
  if (peer === undefined || ours === undefined || small.length === 0) return undefined;
  const least = small.reduce((a, b) => a.median <= b.median ? a : b);
  const asked = peer.median * goal.most;
  const mark = notes.mark(...[peer, ours, least].map(({ contestant }) => remarkOn(group.name, contestant)));
  return [
    least.contestant.name,
    verdictOf(asked, least.median, ours.median) + mark,
    formatNs(asked),
    formatNs(least.median),
    factor(least.median / asked),
    formatNs(ours.median),
    factor(ours.median / asked),
    factor(ours.median / least.median),
  ];
}

function verdictOf(asked: number, least: number, ours: number): string {
  if (ours <= asked) return VERDICTS.reached;
  if (least > asked * (1 + NEAR)) return VERDICTS.below;
  return least > asked * (1 - NEAR) ? VERDICTS.near : VERDICTS.open;
}
