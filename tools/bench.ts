/**
 * Plays the short benches: measures them on Bun (`deno task bench:bun`), or runs each of them once on both runtimes, and the
 * shortest form of the long benchmarks (`deno task bench:smoke`). Each file runs in a process of its own.
 */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { relative } from "node:path";
import process from "node:process";
import { runCommand } from "../benches/lib/command.ts";
import { checkRun } from "../benches/lib/results.ts";
import { benchFiles, namedBenchFiles } from "./_benches.ts";
import { fetchModules, findBun, install, ROOT } from "./_install.ts";
import { run } from "./_run.ts";

const PLAYER = "benches/_play.ts";
const DENO = [Deno.execPath(), "run", "-A", "--no-check", "--no-prompt", "--quiet"];
/** Seconds that a file may take: run once, and measured. */
const [ONCE_LIMIT, MEASURED_LIMIT] = [120, 600];
/** Seconds that a long benchmark may take, which may have to install its peers and waits for a quiet machine. */
const SHORTEST_LIMIT = 300;
/** The long benchmarks in their shortest form: a check that they run and leave results, whatever these are. */
const SHORTEST: readonly (readonly string[])[] = [
  ["benches/record.ts", "--quick", "--starts=1", "--rounds=1", `${ROOT}benches/signals_bench.ts`],
  ["benches/cores/main.ts", "--quick", "--starts=1", "--rounds=1", "--jobs=tiny,lock"],
  ["benches/peers/main.ts", "--quick", "--starts=1", "--rounds=1", "--works=lock/free", "--scope=threads"],
  ["benches/distributed/main.ts", "--once"],
  ["benches/account/main.ts", "--quick"],
  ["benches/fairness/main.ts", "--quick"],
];

/** What both tasks have in common. */
const COMMON = {
  files: "[benches/NAME_bench.ts …]",
  options: {},
  exitCodes: { 1: "a bench failed, or there is none" },
};
const BUN = {
  ...COMMON,
  task: "bench:bun",
  about: "Measures the short benches on Bun, as deno task bench does on Deno. bench:record measures both in turns.",
  examples: [["", "all of them"], ["benches/locks_bench.ts", "some of them"]],
} as const;
const SMOKE = {
  ...COMMON,
  task: "bench:smoke",
  about:
    "Runs each of the short benches once, on Deno and on Bun, and the shortest form of the long benchmarks: that they run.",
  // The task itself passes it.
  options: { once: { type: "boolean", about: "runs each bench once; given by the task" } },
  examples: [["", "all of them"], ["benches/locks_bench.ts", "some of the short benches alone"]],
} as const;

/** Counts of what passed and failed. */
interface Counts {
  passed: number;
  failed: number;
}

/** Measures a file's benches on Bun, its output shown as it comes. */
async function measure(file: string): Promise<Counts> {
  console.log(`\n== ${relative(ROOT, file)}`);
  const { code, timedOut } = await run([await findBun(), PLAYER, file], {
    cwd: ROOT,
    limit: MEASURED_LIMIT * 1_000,
    onOutput: (text) => Deno.stdout.writeSync(new TextEncoder().encode(text)),
  });
  if (timedOut) console.log(`FAIL ${relative(ROOT, file)}: not done after ${MEASURED_LIMIT} s`);
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
    `${right ? "ok  " : "FAIL"} ${relative(ROOT, file)}, ${name}: ${fault ?? `${passed} of ${passed + failed}`} (${
      Math.round(ms)
    } ms)`,
  );
  if (!right) console.log(output.trimEnd().replace(/^/gm, "     | "));
  return { passed, failed: Math.max(failed, Number(fault !== undefined)) };
}

/** Runs a long benchmark. It has failed unless all contestants of this library left samples and none hung. Peers may be missing. */
async function runShortest([program, ...args]: readonly string[]): Promise<Counts> {
  const folder = mkdtempSync(`${tmpdir()}/bench-`);
  const out = `${folder}/results.json`;
  const remove = () => rmSync(folder, { recursive: true, force: true });
  // Ctrl-C may end the program here.
  process.once("exit", remove);
  try {
    const { output, code, ms } = await run([...DENO, program!, ...args, `--out=${out}`], {
      cwd: ROOT,
      // It may be killed, and leave what it has there.
      env: { TMPDIR: folder },
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
    process.off("exit", remove);
    remove();
  }
}

/** The sum of counts. */
function sumOf(counts: readonly Counts[]): Counts {
  return counts.reduce((a, b) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }), {
    passed: 0,
    failed: 0,
  });
}

/** Prints what passed and failed, and returns the exit code. */
function told({ passed, failed }: Counts): number {
  console.log(`${passed} passed, ${failed} failed`);
  return failed > 0 || passed === 0 ? 1 : 0;
}

/** The files that the caller named, or all. */
function filesOf(named: readonly string[]): string[] {
  return named.length > 0 ? namedBenchFiles(named) : benchFiles().map((file) => ROOT + file);
}

/** Measures the benches on Bun. */
async function measureAll(named: readonly string[]): Promise<number> {
  const files = filesOf(named);
  await install();
  const counts: Counts[] = [];
  for (const file of files) counts.push(await measure(file));
  return told(sumOf(counts));
}

/** Runs the benches once, on both runtimes, and the long benchmarks unless files are named. */
async function runAllOnce(named: readonly string[]): Promise<number> {
  const files = filesOf(named);
  await install();
  await fetchModules([PLAYER, ...files]);
  const runners = { Deno: DENO, Bun: [await findBun()] };
  const counts: Counts[] = [];
  for (const file of files) {
    for (const [name, runner] of Object.entries(runners)) counts.push(await runOnce(name, runner, file));
  }
  if (named.length === 0) { for (const command of SHORTEST) counts.push(await runShortest(command)); }
  return told(sumOf(counts));
}

await (Deno.args.includes("--once")
  ? runCommand(SMOKE, ({ files }) => runAllOnce(files))
  : runCommand(BUN, ({ files }) => measureAll(files)));
