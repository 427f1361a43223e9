/**
 * Plays the short benches: measures them on Bun (`deno task bench:bun`), or runs each of them once on both runtimes, and the
 * shortest form of the long benchmarks (`deno task bench:smoke`). Each file runs in a process of its own.
 *
 *     deno task bench:bun                             every file
 *     deno task bench:bun benches/locks_bench.ts      some of them
 *     deno task bench:smoke                           every file, on Deno and on Bun
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { checkRun } from "../benches/lib/results.ts";
import { benchFiles } from "./_benches.ts";
import { fetchModules, findBun, install, ROOT } from "./_install.ts";
import { run } from "./_run.ts";

const PLAYER = "benches/_play.ts";
const DENO = [Deno.execPath(), "run", "-A", "--no-check", "--no-prompt", "--quiet"];
/** Seconds that a file may take: run once, and measured. */
const [ONCE_LIMIT, MEASURED_LIMIT] = [120, 600];
/** Seconds that a long benchmark may take, which may have to install its peers and waits for a quiet machine. */
const SHORTEST_LIMIT = 300;
/** The long benchmarks, as short as they can be: that they run and leave results, not what these are. */
const SHORTEST: readonly (readonly string[])[] = [
  ["benches/record.ts", "--quick", "--starts=1", "--rounds=1", "benches/signals_bench.ts"],
  ["benches/cores/main.ts", "--quick", "--starts=1", "--rounds=1", "--jobs=tiny,lock"],
  ["benches/peers/main.ts", "--quick", "--starts=1", "--rounds=1", "--works=lock/free", "--scope=threads"],
];

const { values, positionals } = parseArgs({ allowPositionals: true, options: { once: { type: "boolean" } } });
const files = positionals.length > 0 ? positionals : benchFiles();

/** Counts of what passed and failed. */
interface Counts {
  passed: number;
  failed: number;
}

/** Measures a file's benches on Bun, its output shown as it comes. */
async function measure(file: string): Promise<Counts> {
  console.log(`\n== ${file}`);
  const { code, timedOut } = await run([await findBun(), PLAYER, file], {
    cwd: ROOT,
    limit: MEASURED_LIMIT * 1_000,
    onOutput: (text) => Deno.stdout.writeSync(new TextEncoder().encode(text)),
  });
  if (timedOut) console.log(`FAIL ${file}: not done after ${MEASURED_LIMIT} s`);
  return { passed: Number(code === 0), failed: Number(code !== 0) };
}

/** Runs each bench of a file once. A file without a bench has failed, since it measures nothing. */
async function runOnce(name: string, runner: readonly string[], file: string): Promise<Counts> {
  const { output, code, timedOut, ms } = await run([...runner, PLAYER, "--once", file], {
    cwd: ROOT,
    limit: ONCE_LIMIT * 1_000,
  });
  const counted = /^(\d+) passed, (\d+) failed$/m.exec(output);
  const [passed, failed] = [Number(counted?.[1] ?? 0), Number(counted?.[2] ?? 0)];
  const fault = timedOut
    ? `not done after ${ONCE_LIMIT} s`
    : counted === null
    ? `ended with ${code} before its benches were done`
    : passed + failed === 0
    ? "has no bench"
    : code !== 0 && failed === 0
    ? `ended with ${code}`
    : undefined;
  const right = fault === undefined && failed === 0;
  console.log(
    `${right ? "ok  " : "FAIL"} ${file}, ${name}: ${fault ?? `${passed} of ${passed + failed}`} (${Math.round(ms)} ms)`,
  );
  if (!right) console.log(output.trimEnd().replace(/^/gm, "     | "));
  return { passed, failed: Math.max(failed, Number(fault !== undefined)) };
}

/** Runs a long benchmark. It has failed unless all of ours left samples and none hung: a peer may be missing here. */
async function runShortest([program, ...args]: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(`${tmpdir()}/bench-`);
  const out = `${folder}/results.json`;
  try {
    const { output, code, ms } = await run([...DENO, program!, ...args, `--out=${out}`], {
      cwd: ROOT,
      limit: SHORTEST_LIMIT * 1_000,
    });
    const groups = code === 0 ? checkRun(JSON.parse(readFileSync(out, "utf8")), out).groups : [];
    const without = groups.flatMap(({ name, contestants }) =>
      contestants.filter(({ ours, samples, failed }) => ours && (samples.length === 0 || failed)).map((each) =>
        `${name}: ${each.name}: ${each.note}`
      )
    );
    const right = groups.length > 0 && without.length === 0;
    console.log(`${right ? "ok  " : "FAIL"} ${program} (${Math.round(ms)} ms)`);
    if (!right) console.log([...without, output].join("\n").trimEnd().replace(/^/gm, "     | "));
    return { passed: Number(right), failed: Number(!right) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await install();
const total: Counts = { passed: 0, failed: 0 };
const add = ({ passed, failed }: Counts): void => {
  total.passed += passed;
  total.failed += failed;
};
if (values.once) {
  await fetchModules([PLAYER, ...files]);
  const runners = {
    Deno: DENO,
    Bun: [await findBun()],
  };
  for (const file of files) {
    for (const [name, runner] of Object.entries(runners)) add(await runOnce(name, runner, file));
  }
  if (positionals.length === 0) { for (const command of SHORTEST) add(await runShortest(command)); }
} else {
  for (const file of files) add(await measure(file));
}
console.log(`${total.passed} passed, ${total.failed} failed`);
if (total.failed > 0 || total.passed === 0) Deno.exit(1);
