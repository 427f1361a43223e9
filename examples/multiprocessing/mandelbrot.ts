/**
 * The Mandelbrot set as a PNG, its rows computed by a pool of processes.
 *
 *     deno run -A examples/multiprocessing/mandelbrot.ts [FILE] [WIDTH]
 *     bun examples/multiprocessing/mandelbrot.ts [FILE] [WIDTH]
 *
 * Rows through the middle of the set take hundreds of times as long as those above it; `imapUnordered` gives the next
 * row to whichever process is free.
 */

import { writeFileSync } from "node:fs";
import process from "node:process";
import { Presets, SingleBar } from "cli-progress";
import { encode } from "fast-png";
import { Pool } from "@weft/concurrent/multiprocessing";

const ROUNDS = 1000;

interface Row {
  y: number;
  width: number;
  height: number;
}

/** What the pool does with each row: its points' colours, three bytes each. */
export function computeRow({ y, width, height }: Row) {
  const colours = new Uint8Array(3 * width);
  for (let x = 0; x < width; x++) {
    // The picture is 3 units wide, its middle at -0.75.
    const real = (x - width / 2) * 3 / width - 0.75;
    const imaginary = (y - height / 2) * 3 / width;
    colours.set(colourOf(roundsOf(real, imaginary)), 3 * x);
  }
  return { y, colours };
}

/** After how many rounds the point is known to be outside the set; all of them: it is taken to be inside. */
function roundsOf(real: number, imaginary: number) {
  let [a, b, round] = [0, 0, 0];
  while (a * a + b * b <= 4 && round < ROUNDS) {
    [a, b] = [a * a - b * b + real, 2 * a * b + imaginary];
    round++;
  }
  return round;
}

function colourOf(round: number) {
  if (round === ROUNDS) return [0, 0, 0];
  const t = Math.sqrt(round / ROUNDS);
  const wave = (shift: number) => Math.round(127.5 - 127.5 * Math.cos(2 * Math.PI * (2 * t + shift)));
  return [wave(0.55), wave(0.4), wave(0.25)];
}

if (import.meta.main) {
  const [file = "mandelbrot.png", size = "960"] = process.argv.slice(2);
  const width = Number(size);
  const height = Math.round(width * 2 / 3);
  const data = new Uint8Array(3 * width * height);

  await using pool = new Pool();
  // On stderr, and only if that is a terminal.
  const bar = new SingleBar({ format: "{bar} {percentage} % of {total} rows" }, Presets.shades_classic);
  bar.start(height, 0);
  const rows = Array.from({ length: height }, (_, y): Row => ({ y, width, height }));
  for await (const { y, colours } of pool.imapUnordered(computeRow, rows)) {
    data.set(colours, 3 * width * y);
    bar.increment();
  }
  bar.stop();

  writeFileSync(file, encode({ width, height, data, channels: 3 }));
  console.log(`${file}: ${width} x ${height}`);
}
