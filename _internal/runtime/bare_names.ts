/**
 * Names of packages and aliases, which mean something in the module that wrote them: its workspace member's import map, or
 * the `node_modules` beside it, say what. Deno and Node resolve them by nothing but an `import()` of that module, so
 * here goes the name together with the module, in one text that serves as a module's full name: `"acorn" of file:///x.ts`.
 *
 * @module
 */

import { nodeProcess } from "./globals.ts";

type Import = (specifier: string, options?: object) => Promise<Record<string, unknown>>;

interface VM {
  readonly constants?: { readonly USE_MAIN_CONTEXT_DEFAULT_LOADER?: symbol };
  runInThisContext(code: string, options: { filename: string; importModuleDynamically?: symbol }): unknown;
}

/** A name and the module that wrote it. */
export interface BareName {
  readonly specifier: string;
  readonly module: string;
}

/** The full name of what a module calls by a bare one. */
export function bareNameOf(specifier: string, module: string): string {
  return `${JSON.stringify(specifier)} of ${module}`;
}

/** What {@linkcode bareNameOf} wrote, read; `undefined` for any other name. */
export function readBareName(name: string): BareName | undefined {
  const [, specifier, module] = /^("(?:[^"\\]|\\.)*") of (.+)$/.exec(name) ?? [];
  return module === undefined ? undefined : { specifier: JSON.parse(specifier), module };
}

/**
 * The URL that this library would get by the name. It is the module's own where both are of one import map; good enough
 * to look at, not to import.
 */
export function guessBareName({ specifier }: BareName): string | undefined {
  try {
    return import.meta.resolve(specifier);
  } catch {
    return undefined;
  }
}

const imports: Map<string, Import> = new Map();

/** Imports what a module calls by a bare name, as that module would. */
export async function importBareName(
  { specifier, module }: BareName,
  options?: object,
): Promise<Record<string, unknown>> {
  let load = imports.get(module);
  if (load === undefined) imports.set(module, load = importOf(module));
  return await load(specifier, options);
}

// A script that says that it is the module imports from there.
function importOf(module: string): Import {
  const vm = nodeProcess().getBuiltinModule("node:vm") as VM;
  const loader = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const code = "(specifier, options) => options === undefined ? import(specifier) : import(specifier, options)";
  return vm.runInThisContext(code, { filename: module, importModuleDynamically: loader }) as Import;
}
