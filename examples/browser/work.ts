/** What the threads of the page run. It is a module of its own, as a thread has no document. */

import { type Barrier, currentTask, type Lock, type SharedArray, type Value } from "@weft/concurrent/threading";

/** Where a thread draws. */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and alpha of each point, in memory that the page reads. */
  readonly pixels: SharedArray<"u8">;
  /** How many rows each thread has drawn. */
  readonly rows: SharedArray<"i32">;
}

/** What a thread keeps between its tasks: its place among the threads, and where it draws. */
interface Place extends Canvas {
  readonly index: number;
}

/** Called once in each thread of a pool. */
export function begin(next: Value<"i32">, canvas: Canvas): Place {
  return { ...canvas, index: next.add(1) };
}

/** Draws some rows. */
export function drawRows(first: number, count: number): void {
  const { width, height, pixels: { array: pixels }, rows: { array: rows }, index } = currentTask()!.state as Place;
  for (let y = first; y < first + count; y++) {
    for (let x = 0; x < width; x++) {
      // The picture is 3.1 units wide, and its middle is at -0.7.
      const t = roundsOf((x - width / 2) * 3.1 / width - 0.7, (y - height / 2) * 3.1 / width) / ROUNDS;
      const at = (y * width + x) * 4;
      pixels[at] = t === 1 ? 12 : shade(t, 0.62);
      pixels[at + 1] = t === 1 ? 14 : shade(t, 0.5);
      pixels[at + 2] = t === 1 ? 18 : shade(t, 0.36);
      pixels[at + 3] = 255;
    }
    rows[index] += 1;
  }
}

const ROUNDS = 1500;

/** The number of rounds after which a point is known to lie outside of the set. */
function roundsOf(real: number, imaginary: number): number {
  let [a, b, round] = [0, 0, 0];
  while (a * a + b * b <= 4 && round < ROUNDS) {
    [a, b] = [a * a - b * b + real, 2 * a * b + imaginary];
    round++;
  }
  return round;
}

function shade(t: number, shift: number): number {
  return Math.round(127.5 - 127.5 * Math.cos(2 * Math.PI * (1.6 * t ** 0.3 + shift)));
}

/** Counts without a lock, once all threads are there. Between the read and the write of `+=`, another thread may write. */
export function countBare(counter: Value<"i32">, start: Barrier, times: number): void {
  start.waitSync();
  for (let i = 0; i < times; i++) counter.value += 1;
}

/** Counts with a lock. */
export function countLocked(counter: Value<"i32">, start: Barrier, times: number, lock: Lock): void {
  start.waitSync();
  for (let i = 0; i < times; i++) {
    using _held = lock.acquireSync();
    counter.value += 1;
  }
}
