/**
 * Runs the programs of a page of docs/ as they stand there, each section in a folder of its own.
 *
 * In a section with a block of `text`, each block with a comment `// name.ts` is a file of that name. The commands are in a
 * block of `sh`, those that begin with the runtime's name for each; without it, the file with `import.meta.main` runs. What
 * the commands print is the block of `text`, to the letter. Other sections are prose, and their blocks are not run.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname } from "node:path";
import process from "node:process";
import { after, before, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { isDeno } from "../_runtime.ts";

const LIMIT = 60_000;
const ROOT = new URL("../../", import.meta.url);
/** The runtimes' commands. */
export type Runtime = "deno" | "bun" | "node";

const runtime = isDeno ? "deno" : "bun";

/** A section of the page: files by name, the commands for this runtime, and what they print. */
export interface Section {
  readonly title: string;
  readonly files: ReadonlyMap<string, string>;
  readonly commands: readonly string[];
  readonly prints: string;
}

// What the library itself imports is resolved by the project's deno.json, since its files are not in a package here.
const PACKAGES: Record<string, string> = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(new URL("deno.json", ROOT), "utf8")).imports as Record<string, string>)
    .filter(([, target]) => target.startsWith("npm:")),
);

const RUN: Readonly<Record<Runtime, string>> = { deno: "deno run", bun: "bun", node: "node" };

const FENCE = /^```(\w+)\n(.*?)^```$/gms;

/** The sections of a page, a path from the root, that have programs. `on`: whose commands they have. */
export function sectionsOf(page: string, on: Runtime = runtime): Section[] {
  const sections: Section[] = [];
  const whole = readFileSync(new URL(page, ROOT), "utf8");
  for (const section of whole.split(/^#+ /m).slice(1)) {
    const files = new Map<string, string>();
    let prints: string | undefined;
    let shell: string[] | undefined;
    for (const [, language, text] of section.matchAll(FENCE)) {
      if (language === "text") {
        if (prints !== undefined) {
          throw new Error(`${page} has two blocks of text under ${section.slice(0, section.indexOf("\n"))}`);
        }
        prints = text!.trimEnd();
      } else if (language === "sh") shell = text!.trim().split("\n");
      else {
        const [, name] = /^\/\/ (\S+)$/m.exec(text!) ?? [];
        if (name !== undefined) files.set(name, text!);
      }
    }
    if (prints === undefined) continue;
    const main = [...files.keys()].find((name) => files.get(name)!.includes("import.meta.main"));
    const commands = shell?.filter((line) => line.startsWith(on)) ??
      [`${RUN[on]} ${flagsIn(whole, on, main)}${main}`];
    sections.push({ title: section.slice(0, section.indexOf("\n")), files, commands, prints });
  }
  return sections;
}

/** The flags with which the page says that a program is run. Where it does not say, Deno gets all permissions. */
function flagsIn(page: string, on: Runtime, program = ""): string {
  const [, flags] = new RegExp(`${RUN[on]} ((?:--[\\w=-]+ )+)${RegExp.escape(program)}`).exec(page) ?? [];
  return flags ?? (on === "deno" ? "-A " : "");
}

/** Makes a project of these files in which the library is found under its name, and `@std/assert` under its own. */
export function write(folder: string, files: ReadonlyMap<string, string>): void {
  for (const [name, text] of files) {
    mkdirSync(dirname(`${folder}/${name}`), { recursive: true });
    // JSON has no comments: the line with the name is for the reader.
    writeFileSync(`${folder}/${name}`, name.endsWith(".json") ? text.replace(/^.*\n/, "") : text);
  }
  const entry = (name: string) => [`@weft/concurrent/${name}`, new URL(`${name}/mod.ts`, ROOT).href];
  const imports = Object.fromEntries(["sync", "threading", "multiprocessing", "distributed"].map(entry));
  const own = files.has("deno.json") ? JSON.parse(readFileSync(`${folder}/deno.json`, "utf8")) : {};
  const config = { nodeModulesDir: "none", ...own, imports: { ...imports, ...PACKAGES } };
  writeFileSync(`${folder}/deno.json`, JSON.stringify(config));
  if (isDeno) return;
  mkdirSync(`${folder}/node_modules/@weft`, { recursive: true });
  symlinkSync(fileURLToPath(ROOT), `${folder}/node_modules/@weft/concurrent`);
  const asserts = `${folder}/node_modules/@std/assert`;
  mkdirSync(asserts, { recursive: true });
  writeFileSync(
    `${asserts}/package.json`,
    JSON.stringify({ name: "@std/assert", type: "module", exports: "./mod.js" }),
  );
  const mod = new URL("node_modules/deno-std/assert/mod.js", ROOT);
  writeFileSync(`${asserts}/mod.js`, `export * from ${JSON.stringify(fileURLToPath(mod))};\n`);
  const members = (JSON.parse(files.has("package.json") ? readFileSync(`${folder}/package.json`, "utf8") : "{}"))
    .workspaces ?? [];
  for (const member of members) {
    if (!files.has(`${member}/package.json`)) continue;
    const { name } = JSON.parse(readFileSync(`${folder}/${member}/package.json`, "utf8"));
    mkdirSync(dirname(`${folder}/node_modules/${name}`), { recursive: true });
    symlinkSync(`${folder}/${member}`, `${folder}/node_modules/${name}`);
  }
}

/** Declares a test for each section of the page, a path from the root, that has programs: at least `atLeast` of them. */
export function testPrograms(page: string, atLeast: number): void {
  const sections = sectionsOf(page);
  let folder: string;
  before(() => {
    folder = mkdtempSync(`${tmpdir()}/page-`);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  // A page whose blocks are written in another way would have no tests, and pass.
  it(`${page} has ${atLeast} sections with programs or more`, { timeout: LIMIT }, () => {
    assert(sections.length >= atLeast, `${sections.length} sections`);
  });

  for (const [number, { title, files, commands, prints }] of sections.entries()) {
    it(title, { timeout: 2 * LIMIT }, async () => {
      const home = `${folder}/${number}`;
      mkdirSync(home);
      write(home, files);
      const command = commands.map((line) => line.replace(/^deno (run|test)/, "deno $1 --quiet --no-lock --no-check"));
      const env = { PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };
      const { output, left } = await run(["sh", "-ec", command.join("\n")], {
        cwd: home,
        env,
        limit: LIMIT,
        grace: 500,
      });
      assertEquals({ output: output.trimEnd(), left }, { output: prints, left: [] });
    });
  }
}
