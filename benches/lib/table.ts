/** Tables in Markdown, and numbers as a reader wants them. */

/**
 * A table whose first columns are text, one if it is not said how many, and whose others are figures. The cells are padded, so
 * that it reads well as text, too.
 */
export function table(head: readonly string[], rows: readonly (readonly string[])[], texts = 1): string {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${
      widths.map((width, i) => i < texts ? (cells[i] ?? "").padEnd(width) : (cells[i] ?? "").padStart(width)).join(
        " | ",
      )
    } |`;
  const rule = `| ${
    widths.map((width, i) => i < texts ? `:${"-".repeat(width - 1)}` : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`;
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** `12.3 ns`, `456 µs`, `1.23 s`: three figures. */
export function formatNs(ns: number): string {
  const size = Math.abs(ns);
  const [divisor, unit] = size < 1e3 ? [1, "ns"] : size < 1e6 ? [1e3, "µs"] : size < 1e9 ? [1e6, "ms"] : [1e9, "s"];
  return `${figures(ns / divisor)} ${unit}`;
}

/** A value in a group's unit. */
export function formatValue(value: number, unit: string): string {
  if (unit === "ns") return formatNs(value);
  if (unit === "bytes") return formatBytes(value);
  return `${figures(value)} ${unit}`;
}

/** `12.3 MiB`, `4.00 KiB`, `0 bytes`: what something adds to memory may be little, nothing or below. */
function formatBytes(bytes: number): string {
  const size = Math.abs(bytes);
  if (size < 2 ** 10) return `${Math.round(bytes)} bytes`;
  return size < 2 ** 20 ? `${figures(bytes / 2 ** 10)} KiB` : `${figures(bytes / 2 ** 20)} MiB`;
}

/** How far a value is from another one, in a group's unit: `+12.3 MiB`. */
export function formatDifference(difference: number, unit: string): string {
  return `${difference < 0 ? "-" : "+"}${formatValue(Math.abs(difference), unit)}`;
}

/** `1.94`, `12.3`, `456`: three figures, no exponent. */
export function figures(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}

/** A ratio as a change: `+15.0 %`. */
export function formatChange(ratio: number): string {
  const percent = (ratio - 1) * 100;
  return `${percent < 0 ? "-" : "+"}${Math.abs(percent).toFixed(1)} %`;
}

/** A spread of samples as stats.ts tells it: `± 3.2 %`. */
export function formatSpread(spread: number | undefined): string {
  if (spread === undefined) return "one sample";
  return Number.isFinite(spread) ? `± ${formatPart(spread)}` : "about 0";
}

/** A part of 1: `3.2 %`. */
export function formatPart(part: number): string {
  return `${(part * 100).toFixed(1)} %`;
}
