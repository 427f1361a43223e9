/**
 * Charts: Vega-Lite specifications to SVG, readable in light and dark.
 *
 * An SVG in a README knows whether its reader's system is light or dark, so the file has both: drawn in the colours of the
 * light one, with a style sheet that exchanges them.
 */

import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** What a chart draws with: in the light, in the dark. */
const THEME = {
  ground: ["#ffffff", "#16181d"],
  ink: ["#22262e", "#dfe3ea"],
  faint: ["#6a7180", "#9aa2b1"],
  grid: ["#e3e6ec", "#343944"],
} as const;

/** Colours of series, in the order in which they are given out: apart from each other also for colour-blind readers. */
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
/** The colour of what is not a series: an ideal, a note. */
export const FAINT: string = THEME.faint[0];

/** Draws a chart. The `config` of the specification goes before that of the theme. */
export async function toSvg(spec: TopLevelSpec): Promise<string> {
  const compiled = compile(spec, { config: CONFIG });
  const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logLevel: vega.Error });
  const svg = await view.toSVG();
  view.finalize();
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
    subtitleFontSize: 11,
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
  },
  legend: { labelColor: THEME.ink[0], titleColor: THEME.faint[0], titleFontWeight: "normal", labelLimit: 320 },
  header: { labelColor: THEME.ink[0], titleColor: THEME.ink[0], labelFontSize: 12 },
  text: { color: THEME.ink[0] },
  rule: { color: THEME.faint[0] },
  range: { category: [...COLOURS] },
};
