/**
 * What the players need that is not in the repository: other packages, the C player, and for Node, which runs no TypeScript
 * in all its versions, the bare player as JavaScript.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { run } from "../../tools/_run.ts";

const HERE = fileURLToPath(new URL("./", import.meta.url));
const BENCHES = fileURLToPath(new URL("../", import.meta.url));
const NODE = `${HERE}node/`;
const OUT = `${HERE}out/`;

/** Where the JavaScript for Node is: the folders as in `benches/`. */
export const NODE_FILES = OUT;
/** The C player. */
export const C_PLAYER = `${OUT}c_player`;

/** Whether a package is installed here. */
export function isInstalled(name: string): boolean {
  return existsSync(`${NODE}node_modules/${name}/package.json`);
}

/**
 * Installs (exact versions, so that results can be repeated), compiles and translates what this machine can run. Returns what is
 * missing, in a sentence each.
 */
export async function build(): Promise<string[]> {
  mkdirSync(OUT, { recursive: true });
  translate();
  const failed: string[] = [];
  const { dependencies } = JSON.parse(readFileSync(`${NODE}package.json`, "utf8"));
  if (!Object.keys(dependencies).every(isInstalled)) {
    const npm = ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
    const { code, output } = await run(npm, { cwd: NODE, limit: 300_000 });
    if (code !== 0) failed.push(`Without npm's packages: npm install failed: ${output.trim()}`);
  }
  const cc = ["cc", "-O2", "-std=gnu11", "-pthread", "-o", C_PLAYER, ...filesIn(`${HERE}c/`, ".c"), "-lm"];
  const { code, output } = await run(cc, { cwd: HERE, limit: 60_000 });
  if (code !== 0) {
    failed.push(`Without the C player: cc failed: ${output.trim()}`);
    // The result of an earlier build is from other sources.
    rmSync(C_PLAYER, { force: true });
  }
  return failed;
}

/** Translates what Node needs. */
function translate(): void {
  for (const file of [`${BENCHES}lib/play.ts`, `${BENCHES}lib/probe.ts`, ...filesIn(`${HERE}bare/`, ".ts")]) {
    const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2022,
        rewriteRelativeImportExtensions: true,
      },
    });
    const path = OUT + file.slice(BENCHES.length).replace(/ts$/, "js");
    mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    writeFileSync(path, outputText);
  }
}

function filesIn(folder: string, extension: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(extension)).map((name) => folder + name);
}
