/**
 * The most common words of large text files, counted by several processes.
 *
 *     deno run -A examples/multiprocessing/word_count.ts FILE...
 *     bun examples/multiprocessing/word_count.ts FILE...
 *
 * Each file is cut at line ends into pieces of about a megabyte. The processes take pieces off one queue, and each puts
 * its sums on another once no piece is left.
 */

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import process from "node:process";
import { cpuCount, Process, Queue } from "@weft/concurrent/multiprocessing";

const PIECE = 1 << 20;

interface Piece {
  path: string;
  start: number;
  end: number;
}

/** What each process does. */
export function countWords(pieces: Queue<Piece>, sums: Queue<Map<string, number>>) {
  const counts = new Map<string, number>();
  // All pieces are there before the first process starts: an empty queue means that none is left.
  for (let piece; (piece = pieces.tryGet()) !== undefined;) {
    for (const word of readPiece(piece).split(/\s+/)) {
      if (word !== "") counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  sums.putSync(counts);
}

function readPiece({ path, start, end }: Piece) {
  const bytes = new Uint8Array(end - start);
  const file = openSync(path, "r");
  try {
    for (let at = 0; at < bytes.length;) {
      const count = readSync(file, bytes, at, bytes.length - at, start + at);
      if (count === 0) break;
      at += count;
    }
  } finally {
    closeSync(file);
  }
  return new TextDecoder().decode(bytes);
}

/** Cuts a file behind the first line end after each megabyte, so that no word is in two pieces. */
function cut(path: string): Piece[] {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const pieces: Piece[] = [];
    for (let start = 0; start < size;) {
      const end = Math.min(lineEndAfter(file, start + PIECE), size);
      pieces.push({ path, start, end });
      start = end;
    }
    return pieces;
  } finally {
    closeSync(file);
  }
}

function lineEndAfter(file: number, position: number) {
  const bytes = new Uint8Array(4096);
  for (let at = position;;) {
    const count = readSync(file, bytes, 0, bytes.length, at);
    if (count === 0) return Infinity;
    const newline = bytes.subarray(0, count).indexOf(10);
    if (newline >= 0) return at + newline + 1;
    at += count;
  }
}

if (import.meta.main) {
  const files = process.argv.slice(2);
  const pieces = new Queue<Piece>();
  const sums = new Queue<Map<string, number>>();
  for (const piece of files.flatMap(cut)) await pieces.put(piece);

  const processes = Array.from(
    { length: cpuCount() },
    () => new Process({ target: countWords, args: [pieces, sums] }).start(),
  );
  const counts = new Map<string, number>();
  for (const _ of processes) {
    for (const [word, count] of await sums.get()) counts.set(word, (counts.get(word) ?? 0) + count);
  }
  for (const p of processes) await p.join();

  const total = counts.values().reduce((sum, count) => sum + count, 0);
  const common = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 10);
  for (const [word, count] of common) console.log(`${String(count).padStart(10)} ${word}`);
  console.log(`${String(total).padStart(10)} words in all, ${counts.size} different`);
}
