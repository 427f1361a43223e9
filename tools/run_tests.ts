/**
 * Runs the test files on Deno and on Bun, or on Node, each file in a process of its own with a time limit, and adds up.
 *
 * With a process for each file, a test that hangs or kills its process fails one file, and no test depends on what another
 * left behind. One file more than there are processors runs at a time, as each spends part of its time waiting.
 *
 *     deno task test                          every file, both runtimes
 *     deno task test tests/sync               the files below a folder, or single files
 *     deno task test --runtime=bun --limit=60 --filter="Lock.acquire"
 *     deno task test --runtime=node           on Node: all files but those of _left_out.ts
 *     deno task test --packed tests/threading  with the package that `deno task pack` makes, installed in another folder: the files
 *                                             that use the public modules alone
 *     deno task test:long                     the files that have long tests, with all of their rounds
 */

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import process from "node:process";
import { dirname, join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { fetchModules, findBun, findNode, install, ROOT, serverVariable } from "./_install.ts";
import { LEFT_OUT_ON_NODE } from "./_left_out.ts";
import { packedProject } from "./_packed.ts";
import { DAMAGED, run, type RunResult } from "./_run.ts";

const RUNTIMES = ["deno", "bun", "node"] as const;
type Runtime = typeof RUNTIMES[number];

/**
 * Files that must run alone. Another program's start would sweep the names in /dev/shm that the first file looks at, and
 * would delay the second file beyond its time limits.
 */
const ALONE = ["tests/multiprocessing/shared_memory_test.ts", "tests/sanitizers/sanitizers_test.ts"];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: "string", multiple: true, default: ["deno", "bun"] },
    /** Seconds that a file may take. */
    limit: { type: "string", default: "300" },
    filter: { type: "string" },
    /** How many files run side by side. */
    jobs: { type: "string", default: String(availableParallelism() + 1) },
    /** How often a file that failed is run again. If it passes then it is reported as flaky. CI runs a file a second time. */
    retries: { type: "string", default: process.env.CI === undefined ? "0" : "1" },
    /** Only the files with tests that are long by nature, and these in full. */
    long: { type: "boolean", default: false },
    /** With the packed library. */
    packed: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});

const runtimes = values.runtime.map((name): Runtime => {
  const runtime = RUNTIMES.find((known) => known === name);
  if (runtime === undefined) {
    throw new RangeError(`Cannot run tests: 'runtime' must be deno, bun or node: received ${name}`);
  }
  return runtime;
});
const limit = positive("limit") * 1_000;
const jobs = positive("jobs");
/** The shared memory is checked in all tests: see docs/reliability.md. */
const env: Record<string, string> = { WEFT_CHECK_MEMORY: "1", ...(values.long && { WEFT_LONG_TESTS: "1" }) };

function positive(option: "limit" | "jobs"): number {
  const value = Number(values[option]);
  if (!(value > 0)) throw new RangeError(`Cannot run tests: '${option}' must be a positive number: received ${value}`);
  return value;
}

/** The test files, or other files, at a path: the file itself, or all files below a folder. */
function filesAt(path: string, suffix = "_test.ts"): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "node_modules" ? [] : filesAt(`${path}/${entry.name}`, suffix);
    return entry.name.endsWith(suffix) ? [`${path}/${entry.name}`] : [];
  });
}

/** Whether a test file, or a suite that it runs, has more rounds in the long run. */
function hasLong(file: string): boolean {
  // A program in a string of the file may import other files.
  if (!existsSync(file)) return false;
  const imported = readFileSync(file, "utf8").matchAll(/^(?:import|export|\}) .*?from "(\.[^"]+)";$/gm);
  const files = [...imported].map(([, path]) => resolve(dirname(file), path!));
  return files.some((path) =>
    path.endsWith("/tests/_rounds.ts") || path.includes("/tests/") && !path.includes("target") && hasLong(path)
  );
}

/** Whether a test file uses nothing of the library but its public modules, and nothing of the repository but other tests. */
function isForUsers(file: string, seen: Set<string> = new Set()): boolean {
  if (seen.has(file)) return true;
  seen.add(file);
  if (!file.startsWith(`${ROOT}tests/`) || !existsSync(file)) return false;
  const text = readFileSync(file, "utf8");
  // Tests that start the repository's own tools find them, and the library, by their place in it.
  if (/tools\/|Deno\.Command/.test(text)) return false;
  return [...text.matchAll(/(?:from |import\(|new URL\()"(\.[^"]+)"/g)]
    .every(([, path]) => isForUsers(resolve(dirname(file), path!), seen));
}

interface Count {
  passed: number;
  failed: number;
}

async function runOnDeno(file: string): Promise<{ result: RunResult; count: Count }> {
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    // Types are checked by `deno task ok`, for all files at once.
    const command = [Deno.execPath(), "test", "-A", "--no-check", `--junit-path=${report}`];
    if (values.filter !== undefined) command.push(`--filter=${values.filter}`);
    const result = await run([...command, file.replace(ROOT, root)], { cwd: root, env, limit });
    return { result, count: countCases(await Deno.readTextFile(report)) };
  } finally {
    await Deno.remove(report);
  }
}

/** Counts the tests of a JUnit report. In Deno's, a `describe` is a case too: its name is the beginning of other names. */
function countCases(report: string): Count {
  const cases = [...report.matchAll(/<testcase name="([^"]*)"[^>]*>(.*?)<\/testcase>/gs)]
    .map(([, name, body]) => ({
      name: name!,
      failed: body!.includes("<failure"),
      skipped: body!.includes("<skipped"),
    }));
  const tests = cases.filter(({ name, skipped }) =>
    !skipped && !cases.some((other) => other.name.startsWith(`${name} &gt; `))
  );
  const failed = tests.filter((test) => test.failed).length;
  return { passed: tests.length - failed, failed };
}

async function runOnBun(file: string): Promise<{ result: RunResult; count: Count }> {
  const command = [await findBun(), "test"];
  if (values.filter !== undefined) command.push(`--test-name-pattern=${values.filter}`);
  const result = await run([...command, file.replace(ROOT, root)], { cwd: root, env, limit });
  const countOf = (word: string) =>
    Number([...result.output.matchAll(RegExp(`^ *(\\d+) ${word}$`, "gm"))].at(-1)?.[1] ?? 0);
  return { result, count: { passed: countOf("pass"), failed: countOf("fail") } };
}

/** Where Node keeps what it has compiled. Without it each process would strip the types of all modules again. */
const nodeCache = runtimes.includes("node") ? mkdtempSync(join(tmpdir(), "weft-")) : undefined;

/** Node resolves names such as `@std/assert` with this: see tools/_node_imports.mjs. */
const NODE_IMPORTS = `--import=${new URL("./_node_imports.mjs", import.meta.url).href}`;

async function runOnNode(file: string): Promise<{ result: RunResult; count: Count }> {
  // The other runtimes' test runners end the process too when the tests are over, although a test has left a promise pending.
  const command = [await findNode(), "--no-warnings", NODE_IMPORTS, "--test-force-exit", "--test-reporter=tap"];
  if (values.filter !== undefined) command.push(`--test-name-pattern=${values.filter}`);
  const result = await run([...command, file.replace(ROOT, root)], {
    cwd: root,
    env: { ...env, NODE_COMPILE_CACHE: nodeCache! },
    limit,
  });
  const countOf = (word: string) =>
    Number([...result.output.matchAll(RegExp(`^# ${word} (\\d+)$`, "gm"))].at(-1)?.[1] ?? 0);
  return { result, count: { passed: countOf("pass"), failed: countOf("fail") + countOf("cancelled") } };
}

const RUN: Readonly<Record<Runtime, (file: string) => Promise<{ result: RunResult; count: Count }>>> = {
  deno: runOnDeno,
  bun: runOnBun,
  node: runOnNode,
};

await install();
Object.assign(env, await serverVariable());
const files = (positionals.length > 0 ? positionals : [`${ROOT}tests`])
  .flatMap((path) => filesAt(resolve(path)))
  .filter((file) => !values.long || hasLong(file))
  .filter((file) => !values.packed || isForUsers(file))
  .sort();
if (files.length === 0) {
  console.error(`No test files in ${positionals.join(" ")}`);
  Deno.exit(1);
}

const project = values.packed ? await packedProject(["tests"]) : undefined;
const root = project?.folder ?? ROOT;

if (runtimes.includes("deno") && !values.packed) {
  await fetchModules([...files, ...filesAt(`${ROOT}examples`, ".ts"), `${ROOT}mod.ts`]);
}

const total = { passed: 0, failed: 0 };
const failures: string[] = [];

async function runFile(runtime: Runtime, file: string): Promise<void> {
  const name = relative(ROOT, file);
  for (let retries = Number(values.retries);; retries--) {
    const { result, count } = await RUN[runtime](file);
    const { passed } = count;
    const noneMatched = values.filter !== undefined && passed + count.failed === 0;
    // A file that does not load, whose process dies or whose memory is damaged has failed although none of its tests did.
    const isWell = result.code === 0 || noneMatched;
    const failed = isWell && !result.output.includes(DAMAGED) ? count.failed : Math.max(count.failed, 1);
    const seconds = `${(result.ms / 1_000).toFixed(1)} s`;
    const label = failed === 0 ? "ok  " : retries > 0 ? "FLAKY?" : "FAIL";
    console.log(`${label} ${runtime.padEnd(4)} ${name}: ${passed} passed, ${failed} failed (${seconds})`);
    if (failed > 0 || values.verbose) console.log(result.output.replace(/^/gm, "     | "));
    if (result.timedOut) console.log(`     | killed after ${values.limit} s`);
    if (failed > 0 && retries > 0) continue;
    total.passed += passed;
    total.failed += failed;
    if (failed > 0) failures.push(`${runtime} ${name}`);
    return;
  }
}

/** Why files were left out on Node. */
const reasons: Set<string> = new Set();

function isLeftOutOnNode(file: string): boolean {
  const path = Object.keys(LEFT_OUT_ON_NODE).find((path) => file.startsWith(path));
  if (path !== undefined) reasons.add(`${path}: ${LEFT_OUT_ON_NODE[path]}`);
  return path !== undefined;
}

/** Runs files side by side: each of so many loops takes the next file. */
async function runAll(all: readonly (readonly [Runtime, string])[], loops: number): Promise<void> {
  const left = all.values();
  await Promise.all(Array.from({ length: loops }, async () => {
    for (const [runtime, file] of left) await runFile(runtime, file);
  }));
}

const all = runtimes.flatMap((runtime) => files.map((file) => [runtime, file] as const))
  .filter(([runtime, file]) => runtime !== "node" || !isLeftOutOnNode(relative(ROOT, file)));
for (const reason of reasons) console.log(`left out on node: ${reason}`);
const isAlone = ([, file]: readonly [Runtime, string]) => ALONE.includes(relative(ROOT, file));
await runAll(all.filter((each) => !isAlone(each)), jobs);
await runAll(all.filter(isAlone), 1);
project?.remove();
if (nodeCache !== undefined) rmSync(nodeCache, { recursive: true, maxRetries: 3 });
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
if (total.failed > 0) Deno.exit(1);
