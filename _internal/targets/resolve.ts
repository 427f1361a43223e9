/**
 * The side of the thread or process that runs a function: from a description to the function. What the description names is
 * imported here; what has to be looked for is left to search.ts, which is loaded for it.
 *
 * @module
 */

import { TargetError } from "../errors.ts";
import { type Exports, importModule, syntaxError } from "../runtime/modules.ts";
import { ownFile } from "../runtime/own_files.ts";
import { later } from "../runtime/runtime.ts";
import { whileImporting } from "../runtime/this_thread.ts";
import type { TargetDescriptor } from "./describe.ts";
import { addHome } from "./places.ts";
import { type AnyClass, type AnyFunction, atGlobalPath, type Callable, sourceOf } from "./source.ts";

/** What has to be looked for. */
export type Sought = Extract<TargetDescriptor, { kind: "function" | "subclass" }>;

/**
 * Finds the function that is described.
 *
 * @param label The name of this thread or process.
 * @throws {TargetError} If it is not to be found, or cannot run here.
 * @throws What a module throws that is imported for it.
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

// What is nearly always handed over: a function or class that its module declares and exports. A search would come to the same, if it is
// written like what was handed over and nothing else that the module exports is, and is 25 KB to load, and a module to read.
async function declared<T>(sought: Sought, label: string): Promise<T | undefined> {
  if (!sought.isExported) return undefined;
  const { module, main, what } = sought;
  addHome(module, main);
  let exports: Exports;
  try {
    exports = await load(module!, label, what);
  } catch {
    // The search finds the same, and says it.
    return undefined;
  }
  const alike = Object.keys(exports)
    .map((key) => read(exports, key))
    .filter((value) => typeof value === "function" && isSought(value as AnyFunction, sought));
  return new Set(alike).size === 1 ? alike[0] as T : undefined;
}

/** Whether a function or class is the one that is sought, as far as its name and its source tell. */
export function isSought(value: AnyFunction, { name, source, isTrusted }: Sought): boolean {
  return value.name === name && (isTrusted && name !== "" || isWrittenAs(sourceOf(value), source));
}

// Another runtime prints the same function with other spaces, quotes, and signs at the ends of lists and lines.
function isWrittenAs(text: string, other: string): boolean {
  return text === other || squeezed(text) === squeezed(other);
}

function squeezed(text: string): string {
  return text.replaceAll(/['`]/g, '"').replaceAll(/[\s;]+/g, "").replaceAll(/,(?=[)\]}])/g, "");
}

/** What a module exports by a name, which may not have its value yet, or never get it. */
export function read(exports: Exports, name: string): unknown {
  try {
    return exports[name];
  } catch {
    return undefined;
  }
}

/** What a thread or process runs, as it is here. */
export interface Found {
  type?: AnyClass;
  target?: Callable;
}

/** Finds both of what a thread or process runs: as {@linkcode resolveTarget}. */
export async function resolveBoth(
  { type, target }: { readonly type?: TargetDescriptor; readonly target?: TargetDescriptor },
  label: string,
): Promise<Found> {
  const found: Found = {};
  if (type !== undefined) found.type = await resolveSubclass(type, label);
  if (target !== undefined) found.target = await resolveTarget(target, label);
  return found;
}

/** Finds the class that is described: as {@linkcode resolveTarget}. */
export async function resolveSubclass(descriptor: TargetDescriptor, label: string): Promise<AnyClass> {
  if (descriptor.kind !== "subclass") throw new TypeError("Cannot make a thread as this describes no class");
  const { module, exported, what } = descriptor;
  if (module !== undefined && exported !== undefined) {
    return await exportOf({ module, name: exported, what }, label) as AnyClass;
  }
  return await declared<AnyClass>(descriptor, label) ?? await (await search(descriptor, label)).class();
}

// What a module exports by a name, which must be a function or a class.
async function exportOf(
  { module, name, what }: { module: string; name: string; what: string },
  label: string,
): Promise<unknown> {
  addHome(module, undefined);
  const exports = await load(module, label, what);
  const value = exports[name];
  if (typeof value === "function") return value;
  const why = Object.hasOwn(exports, name)
    ? `${module} exports by that name what is not a function`
    : `${module} exports nothing by that name`;
  throw new TargetError(`Cannot use "${name}" as ${what} as ${why}: it exports ${list(Object.keys(exports))}`);
}

/** Names in an error message. */
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

// Not written into the import(): Deno would look through all of that at the start of each worker. Where it is needed for
// most threads it is in the graph of their entry, and says here that it is loaded.
const SEARCH = ownFile("search").href;
let searchClass: SearchClass | undefined;

/** Says that what looks for functions by their source is loaded. */
export function setSearch(type: SearchClass): void {
  searchClass = type;
}

async function search(sought: Sought, label: string): Promise<Search> {
  if (searchClass === undefined) await import(SEARCH);
  return new searchClass!(sought, label);
}

// Imports.

/** How long a module may take to come up before it is named: milliseconds. */
const SLOW_MS = 10_000;

/** Learns which module this thread or process imports, one at a time. */
export interface ImportWatch {
  begin(module: string): void;
  /** Whether the module that is being imported has not been named yet. */
  mayName(): boolean;
  end(): void;
}

let watch: ImportWatch | undefined;
let mayName: (module: string) => boolean = () => true;

/** Says what else names modules that do not come up. */
export function watchImports(by: ImportWatch): void {
  watch = by;
}

/** Says which modules that do not come up are named by this thread, where several import the same. */
export function nameSlowModules(may: (module: string) => boolean): void {
  mayName = may;
}

/** Imports a module for a target of the thread or process called `label`. */
export async function load(module: string, label: string, what: string): Promise<Exports> {
  // This does not keep a process alive whose module waits for what nothing brings: that process ends at once. No timer, as the
  // first one of a thread costs a seventh of its start on Deno.
  const callOff = later(() => {
    if (watch?.mayName() === false || !mayName(module)) return;
    console.error(
      `${label} cannot begin with its ${what} as ${module} has not come up for ${
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

// What the module itself threw is thrown as it is. To what the runtime says of the module is added what it was imported for.
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
  if (code === "ERR_MODULE_NOT_FOUND") {
    return new TargetError(`Cannot use a function of ${module} as ${what} as there is no such module: ${message}`, {
      cause: error,
    });
  }
  return error;
}
