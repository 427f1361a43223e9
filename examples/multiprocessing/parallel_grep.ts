/**
 * How many lines of each file below a folder match a regular expression, as `grep -c`, by a pool of processes.
 *
 *     deno run -A examples/multiprocessing/parallel_grep.ts PATTERN FOLDER
 *     bun examples/multiprocessing/parallel_grep.ts PATTERN FOLDER
 *
 * `imapUnordered` takes paths from the walk of the folder only as fast as the pool works them off, and yields each
 * result as soon as it is there.
 */

import { readFileSync } from "node:fs";
import { opendir } from "node:fs/promises";
import process from "node:process";
import { Presets, SingleBar } from "cli-progress";
import { Pool } from "@weft/concurrent/multiprocessing";

interface Job {
  path: string;
  pattern: string;
}

/** What the pool does with each file. */
export function countMatches({ path, pattern }: Job) {
  // Latin-1 gives each byte a character, whatever the file is.
  const lines = readFileSync(path, "latin1").split("\n");
  // What follows the last line end is a line only if there is something.
  if (lines.at(-1) === "") lines.pop();
  const expression = new RegExp(pattern);
  return { path, count: lines.filter((line) => expression.test(line)).length };
}

async function* jobsBelow(folder: string, pattern: string): AsyncGenerator<Job> {
  for await (const entry of await opendir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* jobsBelow(path, pattern);
    else if (entry.isFile()) yield { path, pattern };
  }
}

if (import.meta.main) {
  const [pattern = "", folder = "."] = process.argv.slice(2);
  await using pool = new Pool();

  // On stderr, and only if that is a terminal.
  const bar = new SingleBar({ format: "{value} files, {duration} s" }, Presets.shades_classic);
  bar.start(0, 0);
  const matches: { path: string; count: number }[] = [];
  for await (const match of pool.imapUnordered(countMatches, jobsBelow(folder, pattern))) {
    bar.increment();
    if (match.count > 0) matches.push(match);
  }
  bar.stop();

  matches.sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, count } of matches) console.log(`${path}:${count}`);
}
