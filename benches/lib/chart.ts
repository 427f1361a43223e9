/**
 * Charts: Vega-Lite specifications to SVG, readable in light and dark.
 *
 * An SVG in a README can find out whether its reader's system is light or dark, so the file has both themes: it is drawn in the
 * colours of the light theme, and a style sheet exchanges them.
 */

import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { describeMachine } from "./machine.ts";
import { busyNoteOf, type Run, stoppedNoteOf } from "./results.ts";

/** The colours of a chart, in the light and the dark theme. */
const THEME = {
  ground: ["#ffffff", "#16181d"],
  ink: ["#22262e", "#dfe3ea"],
  faint: ["#6a7180", "#9aa2b1"],
  grid: ["#e3e6ec", "#343944"],
} as const;

/** Colours of series, in the order of their use. Colour-blind readers can tell them apart, too. */
const SERIES = [
  ["#1f6fd0", "#5aa2f5"],
  ["#d9610f", "#f58e4a"],
  ["#0f8a6a", "#36c29b"],
  ["#a3369c", "#d977d2"],
  ["#8a6d00", "#d0ac2c"],
  ["#59616f", "#a7afbd"],
] as const;

/** The colours of series, of the light theme; {@linkcode toSvg} knows their dark ones. */
export const COLOURS: readonly string[] = SERIES.map(([light]) => light);
/** The colour of everything else: an ideal, a note. */
export const FAINT: string = THEME.faint[0];

/** How wide the panels of a chart are together, in pixels, so that it can be read where a page shows it in 900, and what is between two. */
export const PANELS = { width: 860, gap: 24 } as const;

/** How wide a letter is on the average, by the size of its font. */
const LETTER = 0.6;
/** The function that Vega calls for the width of a text. Vega's types do not declare it. */
const { textMetrics } = vega as unknown as {
  readonly textMetrics: { width: (item: TextItem, text: unknown) => number };
};
/** A text in a chart, as Vega has it. */
interface TextItem {
  readonly fontSize?: number;
  readonly limit?: number;
}
// Without a canvas, Vega takes letters for far wider than they are, and leaves too much room.
textMetrics.width = ({ fontSize = 11, limit = 0 }, text) => {
  const width = String(text ?? "").length * fontSize * LETTER;
  return limit > 0 ? Math.min(limit, width) : width;
};

/** How many letters of a subtitle fit into the width of a chart. */
const LINE = 118;

/** The text below the title of a chart: machine, date and command, remarks, and how busy the machine was. */
export function subtitleOf(run: Run, ...more: readonly string[]): string[] {
  const quick = run.quick ? " (quick: the figures are rough)" : "";
  const lines = [describeMachine(run.machine), `${run.date.slice(0, 10)}, ${run.command}${quick}`, ...more];
  return [...lines, ...[stoppedNoteOf(run) ?? [], busyNoteOf(run) ?? []].flat()].flatMap((line) => wrapped(line));
}

/** A text in lines of {@linkcode LINE} letters at most, where its words allow it. */
function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = `${lines.at(-1)} ${word}`.trimStart();
    if (line.length > LINE && lines.at(-1) !== "") lines.push(word);
    else lines[lines.length - 1] = line;
  }
  return lines;
}

/**
 * Draws a chart. The `config` of the specification goes before that of the theme. What cannot be drawn is thrown, as Vega would print
 * an error and draw the rest.
 */
export async function toSvg(spec: TopLevelSpec): Promise<string> {
  const compiled = compile(spec, { config: CONFIG });
  const errors: string[] = [];
  const logger = vega.logger(vega.Error, undefined, (_method, _level, args) => errors.push(args.map(String).join(" ")));
  const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logger });
  // XML has no way to write other control characters, which names may have.
  const svg = (await view.toSVG()).replaceAll(/[^\P{Cc}\t\n\r]/gu, "\u{FFFD}");
  view.finalize();
  if (errors.length > 0) throw new Error(`Cannot draw chart: ${errors.join("; ")}`);
  const rules = ALL.flatMap(([light, dark]) =>
    ["fill", "stroke"].map((property) => `[${property}="${light}"]{${property}:${dark}}`)
  );
  return svg.replace(/(<svg[^>]*>)/, `$1<style>@media (prefers-color-scheme:dark){${rules.join("")}}</style>`);
}

const ALL: readonly (readonly [light: string, dark: string])[] = [...Object.values(THEME), ...SERIES];

const CONFIG: vega.Config & TopLevelSpec["config"] = {
  background: THEME.ground[0],
  font: "system-ui, 'DejaVu Sans', sans-serif",
  padding: 12,
  view: { stroke: null },
  title: {
    color: THEME.ink[0],
    subtitleColor: THEME.faint[0],
    anchor: "start",
    fontSize: 15,
    subtitleFontSize: 12,
    offset: 12,
  },
  axis: {
    labelColor: THEME.ink[0],
    titleColor: THEME.faint[0],
    titleFontWeight: "normal",
    domainColor: THEME.faint[0],
    tickColor: THEME.faint[0],
    gridColor: THEME.grid[0],
    labelLimit: 320,
    labelFontSize: 11,
    titleFontSize: 11,
  },
  legend: {
    labelFontSize: 12,
    labelColor: THEME.ink[0],
    titleColor: THEME.faint[0],
    titleFontWeight: "normal",
    labelLimit: 320,
  },
  header: { labelColor: THEME.ink[0], titleColor: THEME.ink[0], labelFontSize: 12 },
  text: { color: THEME.ink[0] },
  rule: { color: THEME.faint[0] },
  range: { category: [...COLOURS] },
};
