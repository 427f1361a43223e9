/**
 * Does a million operations of each kind (fewer of the slow ones) and watches whether anything grows: memory, file
 * descriptors, threads, mappings, what is in /dev/shm. Writes a picture of the memory over time for each runtime.
 *
 *     deno task soak                               all, on both runtimes
 *     deno task soak --operations=10000000         ten times as many
 *     deno task soak --minutes=60                  again and again, each time twice as many
 *     deno task soak --only=Pipe --runtime=bun     operations with this in their names
 *     deno task soak --svg=docs                    where the pictures go
 */

import { readdirSync } from "node:fs";
import { parseArgs } from "node:util";
import type { Sample } from "../tests/soak/program.ts";
import { findBun, install, ROOT } from "./_install.ts";
import { run } from "./_run.ts";

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "1000000" },
    minutes: { type: "string" },
    only: { type: "string", default: "" },
    runtime: { type: "string", multiple: true, default: ["deno", "bun"] },
    svg: { type: "string" },
  },
});

await install();
const PROGRAM = "tests/soak/program.ts";
const commands: Record<string, string[]> = {
  deno: [Deno.execPath(), "run", "-A", "--no-check", "--v8-flags=--expose-gc", PROGRAM],
  bun: [await findBun(), "--expose-gc", PROGRAM],
};
const MB = 2 ** 20;
/** How much may be added after the first quarter, when everything has been used and compiled. */
const GROWTH = 24 * MB;

/** The names, without running anything of the library in this process. */
async function namesOf(): Promise<string[]> {
  const source = `import { operations } from "${ROOT}tests/soak/operations.ts";
    console.log(operations.map((one) => "name: " + one.name).join("\\n")); Deno.exit();`;
  const { output } = await run([Deno.execPath(), "eval", "--no-check", source], { cwd: ROOT, limit: 60_000 });
  // Deno may print a message about packages, too.
  return [...output.matchAll(/^name: (.+)$/gm)].map(([, name]) => name!);
}

function inSharedMemory(): Set<string> {
  try {
    return new Set(readdirSync("/dev/shm"));
  } catch {
    return new Set();
  }
}

/** How many new names there are, also after a while: other programs may have names for a moment. */
async function leftInSharedMemory(before: Set<string>): Promise<number> {
  let left = [...inSharedMemory()].filter((name) => !before.has(name));
  for (let i = 0; left.length > 0 && i < 20; i++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const now = inSharedMemory();
    left = left.filter((name) => now.has(name));
  }
  return left.length;
}

interface Soaked {
  readonly name: string;
  readonly samples: Sample[];
}

/** What is wrong with the samples, if anything. */
function growthOf(samples: Sample[]): string | undefined {
  const quarter = samples[samples.length >> 2]!;
  const late = samples.slice(-5);
  const least = (key: keyof Sample): number => Math.min(...late.map((sample) => sample[key]));
  if (least("rss") > quarter.rss + GROWTH) return `${((least("rss") - quarter.rss) / MB).toFixed(0)} MB more memory`;
  if (least("descriptors") > quarter.descriptors + 2) {
    return `${least("descriptors") - quarter.descriptors} more descriptors`;
  }
  if (least("threads") > quarter.threads + 4) return `${least("threads") - quarter.threads} more threads`;
  if (least("mappings") > quarter.mappings + 100) return `${least("mappings") - quarter.mappings} more mappings`;
}

async function soakAll(
  runtime: string,
  names: string[],
  operations: number,
): Promise<{ soaked: Soaked[]; failed: number }> {
  const soaked: Soaked[] = [];
  let failed = 0;
  console.log(
    `\n| ${runtime} | Done | Seconds | Memory at 25 % | at the end | Descriptors | Threads | Longest delay | |\n` +
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
  );
  for (const name of names) {
    const before = inSharedMemory();
    const { code, output } = await run([...commands[runtime]!, name, String(operations)], {
      cwd: ROOT,
      limit: 3_600_000,
    });
    const samples = output.split("\n").filter((line) => line.startsWith("{")).map((line): Sample => JSON.parse(line));
    let fault = code !== 0 ? `exit code ${code}` : samples.length < 8 ? "too few samples" : growthOf(samples);
    const left = await leftInSharedMemory(before);
    if (left > 0) fault ??= `${left} left in /dev/shm`;
    if (fault !== undefined) failed++;
    const [quarter, last] = [samples[samples.length >> 2], samples.at(-1)];
    if (quarter !== undefined && last !== undefined) {
      soaked.push({ name, samples });
      console.log(
        `| ${name} | ${last.done} | ${(last.ms / 1000).toFixed(1)} | ${(quarter.rss / MB).toFixed(0)} MB | ${
          (last.rss / MB).toFixed(0)
        } MB | ${last.descriptors} | ${last.threads} | ${
          Math.max(...samples.map((sample) => sample.delay)).toFixed(0)
        } ms | ${fault ?? "flat"} |`,
      );
    } else {
      console.log(`| ${name} | | | | | | | | ${fault} |`);
    }
    if (code !== 0) console.log(output.replace(/^/gm, "     | "));
  }
  return { soaked, failed };
}

/** Memory over the operations done, a line for each kind. */
function picture(runtime: string, soaked: Soaked[]): string {
  const [width, height, left, bottom] = [900, 420, 60, 40];
  const highest = Math.max(...soaked.flatMap(({ samples }) => samples.map((sample) => sample.rss))) * 1.05;
  const lines = soaked.map(({ name, samples }, index) => {
    const color = `hsl(${Math.round(index * 360 / soaked.length)} 65% 42%)`;
    const last = samples.at(-1)!.done;
    const points = samples.map((sample) =>
      `${(left + sample.done / last * (width - left - 10)).toFixed(1)},${
        (height - bottom - sample.rss / highest * (height - bottom - 20)).toFixed(1)
      }`
    );
    return `<polyline fill="none" stroke="${color}" stroke-width="1.3" points="${points.join(" ")}"><title>${
      name.replace(/&/g, "&amp;")
    }</title></polyline>`;
  });
  const marks = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const y = height - bottom - part * (height - bottom - 20);
    return `<line x1="${left}" x2="${width - 10}" y1="${y}" y2="${y}" stroke="#ddd"/><text x="${left - 6}" y="${
      y + 4
    }" text-anchor="end">${(highest * part / MB).toFixed(0)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
<text x="${left}" y="14">Resident memory in MB while each kind of operation is repeated, on ${runtime}</text>
${marks.join("\n")}
${lines.join("\n")}
<text x="${width / 2}" y="${height - 10}" text-anchor="middle">operations done, from none to all</text>
</svg>
`;
}

const names = (await namesOf()).filter((name) => name.includes(values.only));
const until = performance.now() + Number(values.minutes ?? 0) * 60_000;
let passed = 0;
let failed = 0;
let operations = Number(values.operations);
do {
  for (const runtime of values.runtime) {
    const result = await soakAll(runtime, names, operations);
    failed += result.failed;
    passed += names.length - result.failed;
    if (values.svg !== undefined) {
      await Deno.writeTextFile(`${values.svg}/soak-${runtime}.svg`, picture(runtime, result.soaked));
    }
  }
  operations *= 2;
} while (performance.now() < until);
console.log(`\n${passed} passed, ${failed} failed`);
if (failed > 0) Deno.exit(1);
