/**
 * A project in a folder of its own that has the packed library installed, as users have it: from what `npm pack` makes.
 *
 * @module
 */

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack } from "./pack.ts";
import { install, ROOT } from "./_install.ts";
import { run } from "./_run.ts";

/** Such a project. */
export interface PackedProject {
  /** Its folder, with a slash at its end. */
  readonly folder: string;
  remove(): void;
}

/**
 * Packs the library and makes a project with it, and with copies of these folders of the repository. `hasStd`: these import the
 * standard library, too.
 */
export async function packedProject(folders: readonly string[], hasStd = true): Promise<PackedProject> {
  await install();
  await pack();
  const folder = `${mkdtempSync(join(tmpdir(), "weft-packed-"))}/`;
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await unpack(folder);
    for (const each of folders) cpSync(join(ROOT, each), join(folder, each), { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "project", private: true, type: "module" }));
    const std = join(ROOT, "node_modules/deno-std");
    const imports = hasStd ? { "@std/assert": `${std}/assert/mod.js`, "@std/async/": `${std}/async/` } : undefined;
    writeFileSync(join(folder, "deno.json"), JSON.stringify({ nodeModulesDir: "manual", imports }));
    if (!hasStd) return { folder, remove };
    // Bun reads no import map but that of a tsconfig.json.
    const paths = { "@std/assert": [`${std}/assert/mod.js`], "@std/async/*": [`${std}/async/*.js`] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: { paths } }));
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, remove };
}

/** Installs what `npm pack` makes of the package, and beside it the other packages that the repository has. */
async function unpack(folder: string): Promise<void> {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@weft"), { recursive: true });
  const packed = join(ROOT, "dist/npm");
  const command =
    `npm pack --silent --pack-destination '${folder}' && cd '${modules}/@weft' && tar xzf '${folder}'*.tgz && mv package concurrent`;
  const { code, output } = await run(["sh", "-c", command], { cwd: packed, limit: 60_000 });
  if (code !== 0) throw new Error(`Cannot install the packed library: ${output}`);
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (!name.startsWith(".") && name !== "@weft") symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
}
