/**
 * The side of the thread or process that runs a function: finds the function by its description. An export that the description
 * names is imported here. The search for any other function is in search.ts, which is loaded only if it is needed.
 *
 * @module
 */

import { TargetError } from "../errors.ts";
import { type Exports, importModule, syntaxError } from "../runtime/modules.ts";
import { importOwn } from "../runtime/own_files.ts";
import { isBrowser, later } from "../runtime/runtime.ts";
import { whileImporting } from "../runtime/this_thread.ts";
import type { TargetDescriptor } from "./describe.ts";
import { addHome } from "./places.ts";
import { type AnyClass, type AnyFunction, atGlobalPath, type Callable, sourceOf } from "./source.ts";

/** The description of a function or class that must be searched for. */
export type Sought = Extract<TargetDescriptor, { kind: "function" | "subclass" }>;

/**
 * Finds the function that is described.
 *
 * @param label The name of this thread or process.
 * @throws {TargetError} If it was not found, or cannot run here.
 * @throws The error of a module that is imported for it.
 */
export async function resolveTarget(descriptor: TargetDescriptor, label: string): Promise<Callable> {
  switch (descriptor.kind) {
    case "global": {
      const value = atGlobalPath(descriptor.path);
      if (typeof value === "function") return value as Callable;
      throw new TargetError(
        `Cannot use ${descriptor.path} as ${descriptor.what} as there is no such function in a worker: call it in a function of yours`,
      );
    }
    case "export":
      return await exportOf(descriptor, label) as Callable;
    default:
      return await declared<Callable>(descriptor, label) ?? await (await search(descriptor, label)).function();
  }
}

// Handles the usual case without the search: the module declares and exports the function or class. The search would find the
// same if exactly one export has the right name and source. But it is 25 KB to load, and would read the module.
async function declared<T>(sought: Sought, label: string): Promise<T | undefined> {
  if (!sought.isExported) return undefined;
  const { module, main, what } = sought;
  addHome(module, main);
  let exports: Exports;
  try {
    exports = await load(module!, label, what);
  } catch {
    // The search gets the same error, and reports it.
    return undefined;
  }
  const alike = Object.keys(exports)
    .map((key) => read(exports, key))
    .filter((value) => typeof value === "function" && isSought(value as AnyFunction, sought));
  return new Set(alike).size === 1 ? alike[0] as T : undefined;
}

/** Whether a function or class has the name and the source that are sought. */
export function isSought(value: AnyFunction, { name, source, isTrusted }: Sought): boolean {
  return value.name === name && (isTrusted && name !== "" || isWrittenAs(sourceOf(value), source));
}

// Another runtime may print the same function with other spaces, quotes, semicolons, and trailing commas.
function isWrittenAs(text: string, other: string): boolean {
  return text === other || squeezed(text) === squeezed(other);
}

function squeezed(text: string): string {
  return text.replaceAll(/['`]/g, '"').replaceAll(/[\s;]+/g, "").replaceAll(/,(?=[)\]}])/g, "");
}

/** The value of an export; `undefined` if it has no value yet, or never gets one. */
export function read(exports: Exports, name: string): unknown {
  try {
    return exports[name];
  } catch {
    return undefined;
  }
}

/** The class and the function that a thread or process runs. */
export interface Found {
  type?: AnyClass;
  target?: Callable;
}

/** Finds the class and the function that a thread or process runs: see {@linkcode resolveTarget}. */
export async function resolveBoth(
  { type, target }: { readonly type?: TargetDescriptor; readonly target?: TargetDescriptor },
  label: string,
): Promise<Found> {
  const found: Found = {};
  if (type !== undefined) found.type = await resolveSubclass(type, label);
  if (target !== undefined) found.target = await resolveTarget(target, label);
  return found;
}

/** Finds the class that is described: see {@linkcode resolveTarget}. */
export async function resolveSubclass(descriptor: TargetDescriptor, label: string): Promise<AnyClass> {
  if (descriptor.kind !== "subclass") throw new TypeError("Cannot make a thread as this describes no class");
  const { module, exported, what } = descriptor;
  if (module !== undefined && exported !== undefined) {
    return await exportOf({ module, name: exported, what }, label) as AnyClass;
  }
  return await declared<AnyClass>(descriptor, label) ?? await (await search(descriptor, label)).class();
}

// The export of a module by a name, which must be a function or a class.
async function exportOf(
  { module, name, what }: { module: string; name: string; what: string },
  label: string,
): Promise<unknown> {
  addHome(module, undefined);
  const exports = await load(module, label, what);
  const value = exports[name];
  if (typeof value === "function") return value;
  const why = Object.hasOwn(exports, name)
    ? `what ${module} exports by that name is not a function`
    : `${module} exports nothing by that name`;
  throw new TargetError(`Cannot use "${name}" as ${what} as ${why}: it exports ${list(Object.keys(exports))}`);
}

/** Joins names for an error message. */
export function list(names: string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}

// The search.

/** Looks for a function by its source. */
interface Search {
  function(): Promise<Callable>;
  class(): Promise<AnyClass>;
}

type SearchClass = new (sought: Sought, label: string) => Search;

// If most threads need the search, their entry imports it, and it registers itself here.
let searchClass: SearchClass | undefined;

/** Registers the search for functions by their source, when it is loaded. */
export function setSearch(type: SearchClass): void {
  searchClass = type;
}

async function search(sought: Sought, label: string): Promise<Search> {
  if (searchClass === undefined) await importOwn("search");
  return new searchClass!(sought, label);
}

// Imports.

/** How many milliseconds the import of a module may take before it is reported. */
const SLOW_MS = 10_000;

/** Learns which module this thread or process imports. It imports one module at a time. */
export interface ImportWatch {
  begin(module: string): void;
  /** Whether the module that is being imported has not been reported yet. */
  mayName(): boolean;
  end(): void;
}

let watch: ImportWatch | undefined;
let mayName: (module: string) => boolean = () => true;

/** Sets what else watches the imports and may report slow modules. */
export function watchImports(by: ImportWatch): void {
  watch = by;
}

/** Sets which slow modules this thread reports, if several threads import the same ones. */
export function nameSlowModules(may: (module: string) => boolean): void {
  mayName = may;
}

/** Imports a module for a target of the thread or process called `label`. */
export async function load(module: string, label: string, what: string): Promise<Exports> {
  // This does not keep a process alive whose module awaits what never comes: such a process ends at once. It is not a timer,
  // because the first timer of a thread costs a seventh of the thread's start on Deno.
  const callOff = later(() => {
    if (watch?.mayName() === false || !mayName(module)) return;
    console.error(
      `${label} cannot begin with its ${what} as ${module} has not finished loading after ${
        SLOW_MS / 1000
      } s: an await at the top of it, or of a module that it imports, has not settled`,
    );
  }, SLOW_MS);
  watch?.begin(module);
  try {
    return await whileImporting(module, label, () => importModule(module));
  } catch (error) {
    throw explain(error, module, what);
  } finally {
    watch?.end();
    callOff();
  }
}

// Returns an error of the module itself as it is. An error of the runtime about the module becomes one that says what the module
// was imported for.
function explain(error: unknown, module: string, what: string): unknown {
  const { message, code } = error as { message?: unknown; code?: unknown };
  if (typeof message !== "string") return error;
  if (/^Cannot use \w+ (?:in a Worker|outside of the test runner)/.test(message)) {
    return new TargetError(
      `Cannot use a function of ${module} as ${what} as the module calls test() at its top level, which Bun refuses in workers: move the function into a file of its own`,
      { cause: error },
    );
  }
  const flaw = syntaxError(error);
  if (flaw !== undefined) {
    return new TargetError(
      `Cannot use a function of ${module} as ${what} as it, or a module that it imports, cannot be parsed: ${flaw}`,
      { cause: error },
    );
  }
  // Chromium, Firefox, Safari.
  if (isBrowser && /resolve module specifier|bare specifier|module name, '/i.test(message)) {
    return new TargetError(
      `Cannot use a function of ${module} as ${what} as it, or a module that it imports, imports a module by a bare name, and import maps do not reach workers: import by URL, like "/modules/x.js": ${message}`,
      { cause: error },
    );
  }
  if (code === "ERR_MODULE_NOT_FOUND") {
    return new TargetError(`Cannot use a function of ${module} as ${what} as there is no such module: ${message}`, {
      cause: error,
    });
  }
  return error;
}
