/**
 * The SHA-256 of every file below a folder, by several threads, in the form of `sha256sum`.
 *
 *     deno run -A examples/threading/hash_files.ts FOLDER [THREADS]
 *     bun examples/threading/hash_files.ts FOLDER [THREADS]
 *
 * The main thread walks the folder and puts paths on a queue, the others take them off. The queue holds 64 paths at
 * most, so that a walk that is faster than the hashing waits instead of filling the memory. Ctrl-C stops everything
 * between two reads.
 */

import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { opendir } from "node:fs/promises";
import process from "node:process";
import { Presets, SingleBar } from "cli-progress";
import { Event, Queue, QueueShutDownError, Thread } from "@weft/concurrent/threading";

interface Hashed {
  path: string;
  hash?: string;
  error?: string;
}

/** What each thread does: hashes the files whose paths it takes off the queue, until the queue is shut down. */
export async function hashFiles(paths: Queue<string>, hashes: Queue<Hashed>, stop: Event) {
  for await (const path of paths) {
    try {
      const hash = hashFile(path, stop);
      if (hash === undefined) return;
      await hashes.put({ path, hash });
    } catch (error) {
      await hashes.put({ path, error: (error as Error).message });
    }
  }
}

/** The hash of a file's bytes; `undefined` when told to stop. */
function hashFile(path: string, stop: Event) {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1 << 18);
  const file = openSync(path, "r");
  try {
    for (let count; (count = readSync(file, buffer, 0, buffer.length, null)) > 0;) {
      if (stop.isSet) return undefined;
      hash.update(buffer.subarray(0, count));
    }
  } finally {
    closeSync(file);
  }
  return hash.digest("hex");
}

async function* filesBelow(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** A line as `sha256sum` prints it: a name that would break the line is escaped, and a backslash in front says so. */
function lineOf({ path, hash }: Hashed) {
  const escaped = path.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return `${escaped === path ? "" : "\\"}${hash}  ${escaped}`;
}

if (import.meta.main) {
  const [folder = ".", threadCount = "4"] = process.argv.slice(2);
  const paths = new Queue<string>({ maxsize: 64 });
  const hashes = new Queue<Hashed>();
  const stop = new Event();

  process.once("SIGINT", () => {
    stop.set();
    paths.shutdown({ immediate: true });
  });

  const threads = Array.from(
    { length: Number(threadCount) },
    () => new Thread({ target: hashFiles, args: [paths, hashes, stop] }).start(),
  );

  // On stderr, and only if that is a terminal.
  const bar = new SingleBar({ format: "{bar} {value}/{total} files" }, Presets.shades_classic);
  bar.start(0, 0);
  const results: Hashed[] = [];
  const collecting = (async () => {
    for await (const result of hashes) {
      results.push(result);
      bar.increment();
    }
  })();

  try {
    let total = 0;
    for await (const path of filesBelow(folder.replace(/(?<=.)\/+$/, ""))) {
      bar.setTotal(++total);
      await paths.put(path);
    }
    paths.shutdown();
  } catch (error) {
    if (!(error instanceof QueueShutDownError)) throw error;
  }
  for (const thread of threads) await thread.join();
  hashes.shutdown();
  await collecting;
  bar.stop();

  results.sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const result of results) {
    if (result.error === undefined) console.log(lineOf(result));
    else console.error(`${result.path}: ${result.error}`);
  }
  if (stop.isSet) console.error(`Stopped after ${results.length} files`);
  process.exitCode = stop.isSet ? 130 : results.some(({ error }) => error !== undefined) ? 1 : 0;
}
