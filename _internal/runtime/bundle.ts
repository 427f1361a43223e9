/**
 * Whether the library's modules are where its workers and children can begin with them. In a bundle they are not, nor are
 * the program's, whose functions are looked for; and a program that was compiled to a single file is its own runtime, so
 * that a child would be the whole program again.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";

/** This module by its name, under which it is as long as nothing has moved it into another file. */
const OWN = /\/_internal\/runtime\/bundle\.[a-z]+(?:[?#].*)?$/;

interface Runtimes {
  readonly Deno?: { readonly build: { readonly standalone?: boolean } };
  readonly Bun?: { readonly isStandaloneExecutable?: boolean; readonly main: string };
}

/** Whether this program was bundled, and the library with it. */
export const isBundled: boolean = !OWN.test(import.meta.url ?? "");

/** Whether the runtime is a part of the program's single file. */
function isCompiled(): boolean {
  const { Deno, Bun } = globalThis as unknown as Runtimes;
  if (Deno !== undefined) return Deno.build.standalone === true;
  return Bun?.isStandaloneExecutable === true || /^(?:\/\$bunfs\/|[a-z]:[\\/]~BUN)/i.test(Bun?.main ?? "");
}

/** Throws where no worker can begin with a module of the library. */
export function requireOwnModules(action: string): void {
  if (!isBundled) return;
  if (isCompiled()) refuseCompiled(action);
  throw new NotSupportedError(
    `Cannot ${action} as this library is in a bundle, while threads and processes begin with modules of its own: leave it out, with --external "@weft/concurrent/*" or what the bundler has for that`,
  );
}

/** Throws where no process can begin with a module of the library. */
export function requireOwnRuntime(action: string): void {
  requireOwnModules(action);
  if (isCompiled()) refuseCompiled(action);
}

function refuseCompiled(action: string): never {
  throw new NotSupportedError(
    `Cannot ${action} as the program is compiled to a single file, which a worker or child would run from its beginning: run it from its source, with deno run or bun run`,
  );
}

/** Where a module of the library is, as seen from another; in a bundle nowhere, which only its use shall say. */
export function ownModule(path: string, from: string | undefined): URL {
  return new URL(path, from ?? "file:///bundle");
}
