/**
 * Kills threads and processes at random moments, on both runtimes in turns, until the time is up, and looks for what is
 * left behind: processes, and names in /dev/shm.
 *
 *     deno task storm                          some 1,000 killed in each storm, on each runtime
 *     deno task storm --minutes=30             as many as fit
 *     deno task storm --only="process Queue"   storms with this in their names
 *     deno task storm --seed=7 --kills=50      one run of each runtime, with a seed that failed
 *     deno task storm tests/storm              the storms of these folders or files: here, all but pools
 */

import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { findBun, install, ROOT } from "./_install.ts";
import { DAMAGED, run } from "./_run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string" },
    seed: { type: "string" },
    /** In each storm of a run. */
    kills: { type: "string", default: "50" },
    only: { type: "string", default: "" },
    runtime: { type: "string", multiple: true, default: ["deno", "bun"] },
  },
});

await install();
const kills = Number(values.kills);
const runs = values.seed !== undefined ? 1 : values.minutes !== undefined ? Infinity : Math.ceil(1000 / kills);
const until = values.minutes !== undefined ? performance.now() + Number(values.minutes) * 60_000 : Infinity;
let seed = Number(values.seed ?? Date.now() % 2 ** 31);
const commands: Record<string, string[]> = {
  deno: [Deno.execPath(), "test", "-A", "--no-check"],
  bun: [await findBun(), "test"],
};
/** The files, and what is in each. */
const FILES = ["thread", "process"].flatMap((scope) =>
  [
    { file: `tests/storm/${scope}_storm_test.ts`, has: (name: string) => !/pool/i.test(name) },
    { file: `tests/pool/${scope}_storm_test.ts`, has: (name: string) => `${scope} Pool`.includes(name) },
  ]
    .filter(({ file }) => positionals.length === 0 || positionals.some((path) => file.startsWith(path)))
    .filter(({ has }) => has(values.only) && !RegExp(`^(?!${scope})(thread|process)`).test(values.only))
);
if (FILES.length === 0) {
  console.log(`No storm is in ${positionals.join(", ") || "any file"} with "${values.only}" in its name.`);
  Deno.exit(1);
}
/** What each storm counted, over all runs of a runtime. */
const lines = new Map<string, { runs: number; killed: number; last: string }>();
let passed = 0;
let failed = 0;

function segments(): Set<string> {
  try {
    return new Set(readdirSync("/dev/shm"));
  } catch {
    return new Set();
  }
}

/** New names that are still there after a while: other programs may have names for a moment. */
async function leftOf(before: Set<string>): Promise<string[]> {
  let left = [...segments()].filter((name) => !before.has(name));
  for (let i = 0; left.length > 0 && i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const now = segments();
    left = left.filter((name) => now.has(name));
  }
  return left;
}

for (let i = 0; i < runs && performance.now() < until; i++, seed++) {
  for (const runtime of values.runtime) {
    for (const { file } of FILES) {
      const before = segments();
      const { code, output, ms, left } = await run([...commands[runtime]!, file], {
        cwd: ROOT,
        env: { WEFT_CHECK_MEMORY: "1", STORM_SEED: String(seed), STORM_KILLS: String(kills), STORM_ONLY: values.only },
        limit: 3_600_000,
        grace: 5_000,
      });
      const segmentsLeft = await leftOf(before);
      for (const [, name, killed, outcome] of output.matchAll(/^((?:thread|process) .+), (\d+) killed: (.+)$/gm)) {
        const key = `${runtime} ${name}`;
        const line = lines.get(key) ?? { runs: 0, killed: 0, last: "" };
        line.runs++;
        line.killed += Number(killed);
        line.last = outcome!;
        lines.set(key, line);
      }
      const isDamaged = output.includes(DAMAGED);
      const ok = code === 0 && left.length === 0 && segmentsLeft.length === 0 && !isDamaged;
      if (ok) passed++;
      else failed++;
      console.log(`${ok ? "ok  " : "FAIL"} ${runtime} ${file} seed ${seed} (${(ms / 1_000).toFixed(0)} s)`);
      if (segmentsLeft.length > 0) console.log(`     left in /dev/shm: ${segmentsLeft.join(", ")}`);
      for (const line of left) console.log(`     left running: ${line}`);
      if (code !== 0 || isDamaged) console.log(output.replace(/^/gm, "     | "));
    }
  }
}
console.log("\n| Storm | Killed | The last run counted |\n| --- | --- | --- |");
for (const [name, { killed, last }] of lines) console.log(`| ${name} | ${killed} | ${last} |`);
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);
