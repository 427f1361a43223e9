/**
 * Everything that must hold before a commit, from the quickest check to the slowest: `deno task ok`.
 *
 * With names of steps it runs only those: `deno task ok lint check`. The last line counts the steps and, for the step
 * `test`, the tests.
 */

import { ENTRY_POINTS, ROOT } from "./_install.ts";
import { run } from "./_run.ts";

interface Step {
  readonly command: readonly string[];
  /** Seconds. */
  readonly limit: number;
  readonly env?: Record<string, string>;
}

const steps: Record<string, Step> = {
  format: { command: ["run", "-A", "--no-check", "tools/format.ts", "--check"], limit: 700 },
  lint: { command: ["lint"], limit: 120 },
  floors: { command: ["run", "-A", "--no-check", "tools/floors.ts"], limit: 60 },
  // Includes the examples in the documentation and in the README.
  check: { command: ["check", "--doc", ".", "README.md"], limit: 300 },
  doc: { command: ["doc", "--lint", ...ENTRY_POINTS], limit: 120 },
  // That every public symbol and member has its summary, parameters, results, errors and examples.
  "public-docs": { command: ["run", "-A", "--no-check", "tools/public_docs.ts"], limit: 120 },
  // The examples in the documentation, as tests. They start threads and processes, hence the permissions.
  "doc-test": {
    command: [
      "test",
      "--doc",
      "-A",
      "--no-check",
      ...ENTRY_POINTS,
      "sync/",
      "threading/",
      "multiprocessing/",
      "distributed/",
      "_internal/pool/",
      // What the public modules export from elsewhere.
      "_internal/errors.ts",
      "_internal/memory/shared_object.ts",
      "_internal/targets/describe.ts",
      "_internal/work/runner.ts",
    ],
    limit: 300,
  },
  // A dry run checks that the public types can be had without inference, and asks no registry.
  publish: { command: ["publish", "--dry-run", "--allow-dirty"], limit: 180 },
  test: { command: ["run", "-A", "--no-check", "tools/run_tests.ts"], limit: 2400 },
};

const names = Deno.args.length > 0 ? Deno.args : Object.keys(steps);
const total = { passed: 0, failed: 0 };
for (const name of names) {
  const step = steps[name];
  if (step === undefined) {
    console.error(`Cannot check '${name}': it must be one of ${Object.keys(steps).join(", ")}`);
    Deno.exit(2);
  }
  const counts = name === "test";
  const { code, output, ms } = await run([Deno.execPath(), ...step.command], {
    cwd: ROOT,
    limit: step.limit * 1_000,
    onOutput: counts ? (text) => Deno.stdout.writeSync(new TextEncoder().encode(text)) : undefined,
  });
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${name} (${(ms / 1_000).toFixed(1)} s)`);
  if (code !== 0 && !counts) console.log(output.replace(/^/gm, "     | "));
  const counted = counts ? /^(\d+) passed, (\d+) failed$/m.exec(output) : null;
  total.passed += counted ? Number(counted[1]) : Number(code === 0);
  total.failed += Math.max(counted ? Number(counted[2]) : 0, Number(code !== 0));
}
console.log(`${total.passed} passed, ${total.failed} failed`);
if (total.failed > 0) Deno.exit(1);
