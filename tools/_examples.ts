/** The examples, the input that they get, and how to tell whether their output is right. */

import { readdirSync, readFileSync } from "node:fs";
import { decode } from "fast-png";
import { ROOT } from "./_install.ts";
import { run } from "./_run.ts";

/** One program to run. */
export interface Example {
  readonly file: string;
  readonly args: readonly string[];
  /** Seconds that it may take. */
  readonly limit: number;
  /** What is wrong with the output, if anything. */
  check(output: string): string | undefined | Promise<string | undefined>;
}

/** An example whose output is checked by itself. */
export interface NumberedExample extends Example {
  check(output: string): string | undefined;
}

/** All examples, first the ports of Python programs. Input and output files go into `folder`. */
export async function examples(folder: string): Promise<Example[]> {
  const groups = ["threading", "multiprocessing", "distributed"];
  return [...groups.flatMap(numberedExamples), ...await practical(folder)];
}

/** The examples whose file name begins with a number: they say at their end what they print. */
export function numberedExamples(group: string): NumberedExample[] {
  const path = `${ROOT}examples/${group}/`;
  const names = readdirSync(path).filter((name) => /^\d\d_.*\.ts$/.test(name)).sort();
  return names.map((name) => ({
    file: path + name,
    args: [],
    limit: 60,
    check: (output) => compare(output, printedBy(path + name)),
  }));
}

/** What a program's last comment says that it prints. A line between slashes is a regular expression. */
function printedBy(file: string): RegExp {
  const text = /^\/\* Prints:\n(.*?)\n\*\/\n*$/ms.exec(readFileSync(file, "utf8"))?.[1];
  if (text === undefined) {
    throw new Error(`Cannot tell what ${file} prints: its last comment must begin with 'Prints:'`);
  }
  const lines = text.split("\n").map((line) => /^\/(.+)\/$/.exec(line)?.[1] ?? RegExp.escape(line));
  return RegExp(`^${lines.join("\n")}$`);
}

function compare(output: string, expected: RegExp | string): string | undefined {
  const same = typeof expected === "string" ? output === expected : expected.test(output);
  return same ? undefined : `it should have printed\n${String(expected).replace(/^/gm, "   ")}`;
}

/** The output of another program that does the same. */
async function outputOf(command: string, folder: string): Promise<string> {
  const { code, output } = await run(["sh", "-c", command], { cwd: folder, env: { LC_ALL: "C" }, limit: 60_000 });
  if (code !== 0) throw new Error(`Cannot run '${command}': exit code ${code}: ${output}`);
  return output.trimEnd();
}

async function practical(folder: string): Promise<Example[]> {
  const tree = `${folder}/tree`;
  const words = await makeTexts(`${folder}/texts`);
  await makeTree(tree);
  const picture = `${folder}/mandelbrot.png`;
  return [{
    file: `${ROOT}examples/threading/hash_files.ts`,
    args: [tree, "3"],
    limit: 60,
    check: async (output) =>
      compare(output, await outputOf(`find '${tree}' -type f | sort | xargs -d '\\n' sha256sum`, tree)),
  }, {
    file: `${ROOT}examples/threading/crawl_local_site.ts`,
    args: [],
    limit: 60,
    check: (output) =>
      compare(output, /^60 pages in \d+ ms, one after another \d+ ms or more\nbroken: \/gone, linked from \/page\/7$/),
  }, {
    file: `${ROOT}examples/multiprocessing/word_count.ts`,
    args: words.files,
    limit: 60,
    check: (output) => compare(output, words.table),
  }, {
    file: `${ROOT}examples/multiprocessing/parallel_grep.ts`,
    args: ["[Ll]ock", tree],
    limit: 60,
    check: async (output) =>
      compare(output, await outputOf(`grep -rc '[Ll]ock' '${tree}' | grep -v ':0$' | sort`, tree)),
  }, {
    file: `${ROOT}examples/multiprocessing/mandelbrot.ts`,
    args: [picture, "480"],
    limit: 60,
    check: async () => checkPicture(await Deno.readFile(picture)),
  }];
}

/** A folder tree of some hundred files of all sizes: the project's own sources, and some awkward files. */
async function makeTree(folder: string): Promise<void> {
  for (let i = 0; i < 12; i++) {
    const path = `${folder}/part ${i}/nested`;
    await Deno.mkdir(path, { recursive: true });
    for (const name of readdirSync(`${ROOT}tools`)) await Deno.copyFile(`${ROOT}tools/${name}`, `${path}/${name}`);
    for (const name of readdirSync(`${ROOT}examples/threading`)) {
      await Deno.copyFile(`${ROOT}examples/threading/${name}`, `${folder}/part ${i}/${name}`);
    }
  }
  await Deno.writeTextFile(`${folder}/empty`, "");
  await Deno.writeTextFile(`${folder}/no newline at the end`, "lock\nunlock");
  await Deno.writeFile(`${folder}/binary`, crypto.getRandomValues(new Uint8Array(65_536)).map((byte) => byte & 0x3f));
  await Deno.writeFile(`${folder}/large`, new Uint8Array(8 << 20).fill(7));
}

/** Texts of some megabytes, and the word counts that should be printed, computed one word after another. */
async function makeTexts(folder: string): Promise<{ files: string[]; table: string }> {
  await Deno.mkdir(folder);
  const vocabulary = ["thread", "process", "lock", "queue", "Größe", "naïve", "the", "of", "and", "…"];
  const counts = new Map<string, number>();
  const files: string[] = [];
  let total = 0;
  let seed = 1;
  for (const size of [400_000, 150_000, 10, 0]) {
    let text = "";
    for (let i = 0; i < size; i++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      const random = seed >>> 8;
      // Squared, so that some words are more frequent than others.
      const word = vocabulary[Math.floor((random % 1000) ** 2 / 1e6 * vocabulary.length)]!;
      text += word + (random % 11 === 0 ? "\n" : random % 7 === 0 ? "  " : " ");
      counts.set(word, (counts.get(word) ?? 0) + 1);
      total++;
    }
    const file = `${folder}/${size}.txt`;
    await Deno.writeTextFile(file, text);
    files.push(file);
  }
  const common = [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1)).slice(0, 10);
  const rows = common.map(([word, count]) => `${String(count).padStart(10)} ${word}`);
  return { files, table: [...rows, `${String(total).padStart(10)} words in all, ${counts.size} different`].join("\n") };
}

/** The set's middle is black and the picture's corners are not. */
function checkPicture(bytes: Uint8Array): string | undefined {
  const { width, height, data, channels } = decode(bytes);
  if (width !== 480 || height !== 320) return `the picture has ${width} x ${height} points`;
  const isBlack = (x: number, y: number) => {
    const at = (y * width + x) * channels;
    return data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 0;
  };
  if (!isBlack(240, 160)) return "the middle of the picture is not black";
  if (isBlack(0, 0) || isBlack(479, 319)) return "a corner of the picture is black";
}
