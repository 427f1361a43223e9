/**
 * Runs every example, shows its name and output, and compares that with the expected output: that of the Python program that
 * it follows, or of another program with the same input.
 *
 *     deno task examples                      all, on Deno
 *     deno task examples:bun lock pool        on Bun, the examples whose name contains one of the words
 *     deno task examples:node                 on Node
 *     deno task examples --packed             with the package that `deno task pack` makes, installed in another folder
 */

import { relative } from "node:path";
import { parseArgs } from "node:util";
import { type Example, examples } from "./_examples.ts";
import { fetchModules, findBun, findNode, install, ROOT, serverVariable } from "./_install.ts";
import { packedProject } from "./_packed.ts";
import { run } from "./_run.ts";

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { runtime: { type: "string", default: "deno" }, packed: { type: "boolean", default: false } },
});

await install();
const env = await serverVariable();
const project = values.packed ? await packedProject(["examples"]) : undefined;
const root = project?.folder ?? ROOT;
const RUNNERS: Readonly<Record<string, () => Promise<string[]>>> = {
  deno: () => Promise.resolve([Deno.execPath(), "run", "-A", "--no-prompt", "--quiet"]),
  bun: async () => [await findBun()],
  // Node warns that `node:ffi`, with which processes share memory, is an experiment.
  node: async () => [await findNode(), "--disable-warning=ExperimentalWarning"],
};
if (!Object.hasOwn(RUNNERS, values.runtime)) {
  throw new RangeError(`Cannot run examples: 'runtime' must be deno, bun or node: received ${values.runtime}`);
}
const runner = await RUNNERS[values.runtime]!();

function shorten(lines: string[]): string[] {
  return lines.length <= 12 ? lines : [...lines.slice(0, 10), `… ${lines.length - 10} more lines`];
}

/** Runs one example, and returns what is wrong with it. */
async function runExample({ file, args, limit, check }: Example): Promise<string | undefined> {
  const result = await run([...runner, file.replace(ROOT, root), ...args], { cwd: root, env, limit: limit * 1_000 });
  console.log(shorten(result.output.trimEnd().split("\n")).map((line) => `   ${line}`).join("\n"));
  if (result.timedOut) return `not done after ${limit} s`;
  if (result.code !== 0) return `exit code ${result.code}`;
  return await check(result.output.trimEnd());
}

const folder = await Deno.makeTempDir({ prefix: "examples-" });
let passed = 0;
let failed = 0;
try {
  const all = await examples(folder);
  if (values.runtime === "deno" && !values.packed) await fetchModules(all.map(({ file }) => file));
  for (const example of all) {
    const name = relative(`${ROOT}examples`, example.file);
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    console.log(`\n${name} (${values.runtime})`);
    const fault = await runExample(example);
    if (fault === undefined) passed++;
    else failed++;
    console.log(fault === undefined ? "ok" : `FAIL: ${fault}`);
  }
} finally {
  await Deno.remove(folder, { recursive: true });
  project?.remove();
}
console.log(`\n${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) Deno.exit(1);
