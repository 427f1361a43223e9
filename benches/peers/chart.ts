/**
 * The charts of a run beside peers: for each part of the works, by threads and by processes, a small chart for each work. It has
 * the figures themselves on a logarithmic scale, the best on top, this library's in colours.
 */

import type { TopLevelSpec } from "vega-lite";
import { COLOURS, FAINT, PANELS, subtitleOf } from "../lib/chart.ts";
import { shortMark } from "../lib/notes.ts";
import { type Group, labelOf, type Run } from "../lib/results.ts";
import { placesOf } from "../lib/standings.ts";
import { formatValue } from "../lib/table.ts";
import { RUNTIMES } from "./contestants.ts";
import { groupName, type Scope, SCOPES, type Section, SECTIONS } from "./work.ts";
import { WORKS } from "./works.ts";

/** What the parts are called. */
const TITLES: Readonly<Record<Section, string>> = {
  starting: "Starting and ending",
  free: "Primitives that nothing else wants",
  contended: "Locks that several want",
  messages: "Queues and pipes",
  pools: "Pools",
};

/** What this library's bars and those of all others are called. */
const PEERS = "peers";
const oursOn = (runtime: string): string => `this library on ${runtime}`;

/** A chart of a run. */
export interface PeersChart {
  /** What distinguishes it from the others. */
  readonly name: string;
  readonly title: string;
  readonly spec: TopLevelSpec;
}

/** The charts of the parts that the run has. */
export function chartsOf(run: Run): PeersChart[] {
  return SECTIONS.flatMap((section) =>
    SCOPES.flatMap((scope) => {
      const names = WORKS.filter((work) => work.section === section).map((work) => groupName(work, scope));
      const groups = run.groups.filter((group) => names.includes(group.name) && placesOf(group).length > 0);
      if (groups.length === 0) return [];
      const title = `${TITLES[section]}: ${scope}`;
      return [{ name: `${section}-${scope}`, title, spec: chartOf(run, title, scope, groups) }];
    })
  );
}

/** Pixels of a letter, of the font of names and values. */
const LETTER = 6.6;
/** Pixels for what is beside the names, the bars and the values. */
const BESIDE = 12;

/** How wide the parts of a small chart are, in pixels. */
interface Widths {
  readonly names: number;
  /** Of bars and values together. */
  readonly plot: number;
  readonly values: number;
}

function chartOf(run: Run, title: string, scope: Scope, groups: readonly Group[]): TopLevelSpec {
  const columns = Math.min(2, groups.length);
  const all = groups.flatMap((group) => barsOf(group));
  const names = Math.max(...all.map(({ label }) => label.length)) * LETTER;
  const values = Math.max(...all.map(({ text }) => text.length)) * LETTER;
  const isOursOn = (runtime: string) =>
    groups.some(({ contestants }) => contestants.some((each) => each.ours && each.runtime === runtime));
  const runtimes = RUNTIMES.filter(isOursOn);
  const plot = (PANELS.width - (columns - 1) * PANELS.gap) / columns - names - BESIDE;
  return {
    title: {
      text: title,
      subtitle: subtitleOf(run, "Medians on a logarithmic scale, the best on top: a shorter bar is better"),
      anchor: "start",
    },
    columns,
    spacing: { row: 26, column: PANELS.gap },
    concat: groups.map((group) => panelOf(group, scope, runtimes, { names, plot, values })),
  };
}

/** A bar. */
interface Bar {
  readonly label: string;
  readonly kind: string;
  readonly order: number;
  readonly value: number;
  readonly text: string;
}

/** The bars of one group. */
function barsOf(group: Group): Bar[] {
  return placesOf(group).map(({ figures: { contestant, median } }, order) => ({
    label: labelOf(contestant),
    kind: contestant.ours ? oursOn(contestant.runtime) : PEERS,
    order,
    value: Math.max(median, LEAST[group.unit] ?? 0.1),
    text: formatValue(median, group.unit) + shortMark(contestant),
  }));
}

/** The small chart of one group. */
function panelOf(
  group: Group,
  scope: Scope,
  runtimes: readonly string[],
  widths: Widths,
): Extract<TopLevelSpec, { concat: unknown }>["concat"][number] {
  const bars = barsOf(group);
  const values = bars.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  // The shortest bar can be seen, and behind the longest there is room for its value.
  const from = least / 2;
  const domain = [from, from * (most / from) ** (widths.plot / (widths.plot - widths.values))];
  const y = {
    field: "label",
    type: "nominal",
    title: null,
    sort: { field: "order" },
    axis: { ticks: false, domain: false, labelLimit: 0, minExtent: widths.names, maxExtent: widths.names },
  } as const;
  const x = {
    field: "value",
    type: "quantitative",
    title: null,
    scale: { type: "log", nice: false, domain },
    axis: {
      values: ticksOf(from, most, group.unit),
      labelExpr: LABELS[group.unit] ?? LABELS.ns!,
      labelOverlap: true,
    },
  } as const;
  return {
    title: { text: group.name.replace(` (${scope})`, ""), fontSize: 13, anchor: "start", offset: 6 },
    data: { values: bars },
    width: widths.plot,
    height: { step: 17 },
    layer: [
      {
        mark: { type: "bar", height: 11 },
        encoding: {
          x,
          x2: { datum: from },
          y,
          color: {
            field: "kind",
            type: "nominal",
            title: null,
            scale: { domain: [...runtimes.map(oursOn), PEERS], range: [...COLOURS.slice(0, runtimes.length), FAINT] },
            legend: { orient: "top" },
          },
          opacity: { condition: { test: `datum.kind === '${PEERS}'`, value: 0.6 }, value: 1 },
        },
      },
      {
        mark: { type: "text", align: "left", dx: 4, fontSize: 11 },
        encoding: { x, y, text: { field: "text" } },
      },
    ],
  };
}

/** The least value that is drawn, as 0 has no logarithm. */
const LEAST: Readonly<Record<string, number>> = { bytes: 2 ** 12 };

/** How a tick is labelled, by unit. */
const LABELS: Readonly<Record<string, string>> = {
  ns:
    "datum.value < 1e3 ? format(datum.value, '~g') + ' ns' : datum.value < 1e6 ? format(datum.value / 1e3, '~g') + ' µs'" +
    " : datum.value < 1e9 ? format(datum.value / 1e6, '~g') + ' ms' : format(datum.value / 1e9, '~g') + ' s'",
  bytes: "format(datum.value / 1048576, '~g') + ' MiB'",
};

/** Powers of ten (of MiB, or of ns) as far as there are bars, 4 at most, so that their labels do not touch. */
function ticksOf(least: number, most: number, unit: string): number[] {
  const one = unit === "bytes" ? 2 ** 20 : 1;
  const first = Math.ceil(Math.log10(least / one));
  const last = Math.floor(Math.log10(most / one));
  const step = Math.max(1, Math.ceil((last - first + 1) / 4));
  return Array.from(
    { length: Math.max(0, Math.floor((last - first) / step) + 1) },
    (_, i) => one * 10 ** (first + i * step),
  );
}
