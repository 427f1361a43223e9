/**
 * Writes a million characters in a worker of the given kind, and ends. Of the kind `blocked`: ends at once when a thread has
 * printed, without a turn of the event loop of either. Of the kind `short`: ends at once after the second, short task of a pool.
 */

import process from "node:process";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";

const TEXT = "z".repeat(1_000_000);

export function write(stream: "stdout" | "stderr", fails: boolean): void {
  process[stream].write(TEXT);
  if (fails) throw new Error("on purpose");
}

/** No more can be written afterwards. */
export function writeLast(): void {
  process.stdout.end(TEXT);
}

export function writeSome(count: number): void {
  process.stdout.write(TEXT.slice(0, count));
}

export function print(): void {
  console.log(TEXT.slice(1));
}

export function printThenBlock(printed: threading.Event): void {
  for (const line of ["first", "second", "third"]) console.log(line);
  printed.set();
  threading.sleepSync(60_000);
}

if (import.meta.main) {
  const [kind, what] = process.argv.slice(2);
  if (kind === "blocked") {
    const printed = new threading.Event();
    new threading.Thread({ target: printThenBlock, args: [printed], daemon: true }).start();
    printed.waitSync();
    process.exit();
  }
  if (kind === "short") {
    const pool = new multiprocessing.Pool(1);
    // The first task loads the stream, so that the second takes little time.
    for (const count of [1, 199_999]) await pool.apply(writeSome, [count]);
    process.exit();
  }
  const { Pool } = kind!.startsWith("thread") ? threading : multiprocessing;
  const target = what === "print" ? print : what === "ends" ? writeLast : write;
  const args = target !== write ? [] : [what === "stderr" ? "stderr" : "stdout", what === "fails"];
  // What the target throws is not what is looked at.
  if (kind!.endsWith("pool")) {
    await using pool = new Pool(1);
    await pool.apply(target as typeof print, args as []).catch(() => {});
  } else if (kind === "thread") {
    await new threading.Thread({ target: target as typeof print, args: args as [] }).start().result().catch(() => {});
  } else {
    new multiprocessing.Process({ target: target as typeof print, args: args as [] }).start().joinSync();
  }
}
