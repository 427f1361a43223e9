/**
 * Looks for tests that fail now and then: runs the test files over and over, first with the machine to themselves, then
 * beside a busy loop on each core.
 *
 *     deno task repeat                      50 rounds of each, all files, both runtimes
 *     deno task repeat 10 tests/sync        10 rounds of each, the files below a folder
 */

import { makeBusy } from "./_busy.ts";
import { ROOT } from "./_install.ts";
import { run } from "./_run.ts";

const [first, ...others] = Deno.args;
const counted = first !== undefined && /^\d+$/.test(first);
const rounds = counted ? Number(first) : 50;
const args = counted ? others : Deno.args;

let failed = 0;
for (const busy of [false, true]) {
  const stop = busy ? makeBusy() : () => {};
  try {
    for (let round = 1; round <= rounds; round++) {
      const command = [Deno.execPath(), "run", "-A", "--no-check", "tools/run_tests.ts", ...args];
      const { code, output } = await run(command, { cwd: ROOT, limit: 3_600_000 });
      const summary = output.trimEnd().split("\n").at(-1);
      console.log(`${busy ? "busy" : "idle"} ${round}/${rounds}: ${summary}`);
      if (code === 0) continue;
      failed++;
      console.log(output);
    }
  } finally {
    stop();
  }
}
console.log(`${2 * rounds - failed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);
