/**
 * README.md as a newcomer reads it: its command adds the package to an empty project, its programs run as they stand there, with
 * the flags that it names, and print what it says. The registries are on this machine. On Deno alone, which starts the others.
 */

import { assert, assertEquals } from "@std/assert";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run, type RunResult } from "../../tools/_run.ts";
import { isDeno } from "../_runtime.ts";
import { type Runtime, sectionsOf } from "../docs/_programs.ts";
import type { Registry } from "./_registry.ts";

const LIMIT = 60_000;
const README = readFileSync(fileURLToPath(new URL("../../README.md", import.meta.url)), "utf8");

/** The command by which README.md adds the package. */
function commandFor(runtime: string): string {
  const row = new RegExp(`^\\| ${runtime} +\\| \`([^\`]+)\` +\\| \`${runtime.toLowerCase()} `, "m").exec(README);
  const command = row?.[1];
  if (command === undefined) throw new Error(`README.md has no row for ${runtime}`);
  return command;
}

/** A way to install. */
interface Way {
  readonly name: string;
  readonly runtime: Runtime;
  readonly command: string;
  /** What the project has before that. */
  readonly files?: Readonly<Record<string, string>>;
}

const TYPE = "npm pkg set type=module";
assert(README.includes(`\`${TYPE}\``));
const node = `${commandFor("Node")} && ${TYPE}`;
const deno = commandFor("Deno");
const fromNpm = deno.replace("jsr:", "npm:");
const modules = (mode: string) => ({ "deno.json": JSON.stringify({ nodeModulesDir: mode }) });

const WAYS: readonly Way[] = [
  { name: "Node", runtime: "node", command: node },
  { name: "Node, after npm init", runtime: "node", command: `npm init -y && ${node}` },
  { name: "Bun", runtime: "bun", command: commandFor("Bun") },
  { name: "Deno", runtime: "deno", command: deno },
  { name: "Deno, from npm", runtime: "deno", command: fromNpm },
  { name: "Deno, from npm into node_modules", runtime: "deno", command: fromNpm, files: modules("auto") },
  {
    name: "Deno, installed by npm",
    runtime: "deno",
    command: node,
    files: modules("manual"),
  },
];

describe("README.md in an empty project", { skip: !isDeno || process.platform === "win32" }, () => {
  let folder: string;
  let registry: Registry;
  let path: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "installed-"));
    // Imported here, as they need Deno.
    const { pack } = await import("../../tools/pack.ts");
    const { findBun, findNode } = await import("../../tools/_install.ts");
    const { serveRegistry } = await import("./_registry.ts");
    await pack(join(folder, "packed"));
    registry = await serveRegistry(join(folder, "packed"), join(folder, "scratch"));
    path = join(folder, "bin");
    mkdirSync(path);
    const runtimes = { deno: process.execPath, bun: await findBun(), node: await findNode() };
    for (const [name, file] of Object.entries(runtimes)) symlinkSync(file, join(path, name));
  });

  after(() => {
    registry?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  function inProject(project: string, command: string): Promise<RunResult> {
    const env = { ...registry.env, PATH: `${path}${delimiter}${process.env.PATH}`, DENO_NO_UPDATE_CHECK: "1" };
    return run(["sh", "-ec", command], { cwd: project, env, limit: LIMIT, grace: 500 });
  }

  for (const [number, { name, runtime, command, files = {} }] of WAYS.entries()) {
    it(name, { timeout: 4 * LIMIT }, async () => {
      const project = join(folder, String(number));
      mkdirSync(project);
      for (const [file, text] of Object.entries(files)) writeFileSync(join(project, file), text);
      const installed = await inProject(project, command);
      assertEquals(installed.code, 0, installed.output);
      for (const { title, files, commands, prints } of sectionsOf("README.md", runtime)) {
        for (const [file, text] of files) writeFileSync(join(project, file), text);
        // It says what it downloads, if it has no terminal.
        const command = commands.join("\n").replace("deno run ", "deno run --quiet ");
        const { code, output, left } = await inProject(project, command);
        assertEquals({ title, code, output: output.trimEnd(), left }, { title, code: 0, output: prints, left: [] });
      }
    });
  }
});
