/**
 * The caller's side: describes a function or a class so that another thread or process can find it.
 *
 * This side decides what it can decide at once: that a function cannot run elsewhere at all, that it is named, that every
 * thread has it, or that a module exports it, if the runtime tells. The rest is left to the thread that will run the function and
 * has the time to read modules: see resolve.ts, and README.md for the order of all attempts.
 *
 * @module
 */

import { TargetError } from "../errors.ts";
import { show } from "../options.ts";
import { moduleOfFunction } from "../runtime/inspector.ts";
import {
  builtinExports,
  isTypedIn,
  loadedExports,
  loadedModules,
  mainModule,
  readModule,
  requireReadable,
  TELLS_LOADED,
  typedInMain,
  urlOfModule,
} from "../runtime/modules.ts";
import { isBundled, isOwn } from "../runtime/own_files.ts";
import { hasProgramTarget, nameOfProgramTarget, PROGRAM } from "./program_targets.ts";
import { areSeveralNear, homeModules, importOf, importsOf, mainOfProgram, modulesOnStack } from "./places.ts";
import {
  type AnyFunction,
  declarationOf,
  flawOf,
  giveIt,
  globalPath,
  isNative,
  needsNew,
  privateMember,
  showFunction,
  sourceOf,
} from "./source.ts";

// Functions that are named, and need no search.

/** Where the function is that a {@linkcode task} names. */
interface TaskLocation {
  /** The module, as a full URL. */
  readonly module: string;
  /** The name under which the module exports it. */
  readonly name: string;
}

const locations = new WeakMap<object, TaskLocation>();

/** Where the named function is, if {@linkcode task} returned `fn`; else `undefined`. Not public. */
export function locationOf(fn: object): TaskLocation | undefined {
  return locations.get(fn);
}

/**
 * Names an exported function by its module and its name. The result can be used wherever a function runs in another thread or
 * process.
 *
 * A function that is passed directly must be searched for: in the calling module, in the modules that it imports, and in the
 * main module. `task` says where the function is. Use it if the search fails, or finds several functions. The calling thread
 * does not import the module. If the module does not export the function, the thread or process that should run it fails with
 * a {@linkcode TargetError}.
 *
 * Python has no equivalent: `pickle` always sends a function by its module and name.
 *
 * @param module The full URL of the module, like `import.meta.url` or `new URL("./work.ts", import.meta.url)`.
 * @param name The name under which the module exports the function; `"default"` for the default export.
 * @returns A function that stands for the named function. A call to it throws: to call the function here, import it.
 * @throws {TypeError} If `module` is not a full URL, or `name` is not a string or is empty.
 *
 * @example
 * ```ts
 * import { task, Thread } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const thread = new Thread({ target: task("node:path", "basename"), args: ["/tmp/notes.txt"] }).start();
 * assertEquals(await thread.result(), "notes.txt");
 * ```
 *
 * @example A function of this module, with its type
 * ```ts
 * import { task, Thread } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number): number {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   const thread = new Thread({ target: task<typeof square>(import.meta.url, "square"), args: [7] }).start();
 *   assertEquals(await thread.result(), 49);
 * }
 * ```
 */
export function task(module: string | URL, name: string): (...args: unknown[]) => unknown;
/**
 * Names an exported function, with its type, so that the compiler checks the arguments and the result.
 *
 * Python has no equivalent: `pickle` always sends a function by its module and name.
 *
 * @typeParam F The function's type: `task<typeof work>(…)`.
 * @param module The full URL of the module, like `import.meta.url` or `new URL("./work.ts", import.meta.url)`.
 * @param name The name under which the module exports the function; `"default"` for the default export.
 * @returns A function that stands for the named function. A call to it throws: to call the function here, import it.
 * @throws {TypeError} If `module` is not a full URL, or `name` is not a string or is empty.
 */
export function task<F extends (...args: never[]) => unknown>(module: string | URL, name: string): F;
export function task(module: string | URL, name: string): (...args: unknown[]) => unknown {
  if (typeof module !== "string" && !(module instanceof URL)) {
    throw new TypeError(
      `Cannot name a function as 'module' must be a URL, like import.meta.url: received ${show(module)}`,
    );
  }
  if (!URL.canParse(module)) {
    throw new TypeError(
      `Cannot name a function as 'module' must be a full URL, like new URL("./work.ts", import.meta.url): received ${
        show(module)
      }`,
    );
  }
  if (typeof name !== "string" || name === "") {
    throw new TypeError(
      `Cannot name a function as 'name' must be the name of an export, or "default": received ${show(name)}`,
    );
  }
  const location: TaskLocation = { module: new URL(module).href, name };
  const stand = {
    [name](): never {
      throw new TypeError(
        `Cannot call "${name}" here as task() only names a function for another thread or process: import it from ${location.module}`,
      );
    },
  }[name];
  locations.set(stand, location);
  return stand;
}

// Descriptions.

/** What is known of a function or class, and where it may be found. */
interface Places {
  /** What it is for, used in error messages: "thread target". */
  what: string;
  name: string;
  source: string;
  /** The calling module. */
  module?: string;
  /** The calling module and the modules that called it, innermost first. */
  modules: string[];
  main?: string;
  /** The text that the program is, if it is not a file. Nothing in it can be imported. */
  typedIn?: string;
}

/** If `isTrusted`, an export with the right name is accepted whatever its source, because the code there may be of another version. */
interface Trusted {
  isTrusted?: boolean;
}

/** How to find a function or a class. Sent as JSON. */
export type TargetDescriptor =
  /** An export of a module. */
  | { kind: "export"; what: string; module: string; name: string }
  /** A global of every thread. */
  | { kind: "global"; what: string; path: string }
  /**
   * A function that one of the modules exports, or that is global in every thread; otherwise it is made from its source.
   * `isHome`: the runtime said that it is written in `module`. `isExported`: by its text, `module` declares and exports it.
   * `isInlineRefused`: it must not be made from its source.
   */
  | (
    & { kind: "function"; global?: string; isHome?: boolean; isExported?: boolean; isInlineRefused?: boolean }
    & Places
    & Trusted
  )
  /** A class that one of the modules exports, or that `module` is known to export as `exported`. The others: as above. */
  | ({ kind: "subclass"; exported?: string; isHome?: boolean; isExported?: boolean } & Places & Trusted);

/** A function that was described before. */
interface Known {
  source: string;
  /** The description, if it is the same for all calling modules. */
  settled?: TargetDescriptor;
  /** The descriptions by the modules on the stack. */
  byModules: Map<string, TargetDescriptor>;
}

const known: WeakMap<AnyFunction, Known> = new WeakMap();

/**
 * Describes a function.
 *
 * @param what Used in error messages: "thread target".
 * @throws {TargetError} If it cannot run elsewhere, as far as the caller can tell.
 */
export function describeTarget(
  fn: AnyFunction,
  { what }: { what: string },
): TargetDescriptor {
  let entry = known.get(fn);
  if (entry === undefined) known.set(fn, entry = { source: sourceOf(fn), byModules: new Map() });
  if (entry.settled !== undefined) return { ...entry.settled, what };
  const { source } = entry;
  const location = locationOf(fn);
  if (location !== undefined) {
    if (isTypedIn(location.module)) {
      throw new TargetError(
        `Cannot use "${location.name}" as ${what} as ${location.module} is no file that a worker could import: name a function of a file with task()`,
      );
    }
    requireReadable(location.module, `Cannot use "${location.name}" as ${what}`);
    return entry.settled = isBundled ? ofBundle(location, what) : { kind: "export", what, ...location };
  }
  const flaw = flawOf(fn, source);
  if (flaw !== undefined) throw new TargetError(`Cannot use ${showFunction(fn.name, source)} as ${what} as ${flaw}`);
  const isOfRuntime = isNative(source);
  const path = isOfRuntime ? globalPath(fn) : undefined;
  if (path !== undefined) {
    if (needsNew(fn, path)) {
      throw new TargetError(
        `Cannot use ${path} as ${what} as it is a class: write a function that makes the instance, like (...args) => new ${path}(...args)`,
      );
    }
    return entry.settled = { kind: "global", what, path };
  }
  const given = nameOfProgramTarget(fn);
  if (given !== undefined) return entry.settled = { kind: "export", what, module: PROGRAM, name: given };
  const modules = callers();
  const found = isBundled ? isOfRuntime ? findBuiltin(fn, modules) : undefined : findExport(fn, modules, isOfRuntime);
  if (found !== undefined) return entry.settled = { kind: "export", what, ...found };
  if (isOfRuntime) {
    throw new TargetError(`Cannot use ${showFunction(fn.name, source)} as ${what} as ${nativeFlaw(fn)}`);
  }
  // Made from its source, if it uses globals and arguments only. No module can be searched for it.
  if (isBundled) return { kind: "function", what, name: fn.name, source, modules: [], global: globalPath(fn) };
  const key = modules.join("\n");
  let descriptor = entry.byModules.get(key);
  if (descriptor === undefined) {
    const declaring = declaringOf(modules, fn.name);
    const isDeclared = declaring !== undefined;
    // A module that imports the function goes first: the worker then imports only the module that the function comes from. Modules
    // nearer on the stack merely pass the function on, and importing them would be in vain.
    const importing = declaring?.module;
    if (importing !== undefined && importOf(importing, fn.name) !== undefined) {
      moveToFront(modules, importing);
    }
    const home = isDeclared ? undefined : moduleOfFunction(fn);
    const isHome = canBeImported(home);
    if (isHome) moveToFront(modules, home);
    if (modules.length > 0) requireReadable(modules[0], `Cannot use ${showFunction(fn.name, source)} as ${what}`);
    const isExported = isDeclaredIn(modules[0], declaring, fn.name);
    descriptor = {
      kind: "function",
      what,
      name: fn.name,
      source,
      module: modules[0],
      modules,
      isHome,
      isExported,
      main: main(),
      typedIn: typedInMain(),
      // The first call takes half a millisecond, so it is made only if it is needed.
      global: isExported ? undefined : globalPath(fn),
    };
    entry.byModules.set(key, descriptor);
    // Its module is known, and is the same whichever module hands the function over.
    if (home !== undefined || (isDeclared && fn.name !== "")) entry.settled = descriptor;
  }
  return { ...descriptor, what };
}

/**
 * Describes the class of an instance. The other thread must find it as an export.
 *
 * @param Base The library's class, which the other thread has.
 * @throws {TargetError} If the class declares private members: an instance that is made over there would lack them.
 */
export function describeSubclass(
  instance: object,
  Base: abstract new (...args: never[]) => object,
  { what }: { what: string },
): TargetDescriptor {
  // Not `instance.constructor`: a subclass may have a field of that name.
  const type = Object.getPrototypeOf(instance).constructor as AnyFunction & { prototype: object };
  for (
    let each: unknown = type;
    typeof each === "function" && each !== Base && each !== Function.prototype;
    each = Object.getPrototypeOf(each)
  ) {
    const member = privateMember(sourceOf(each as AnyFunction));
    if (member !== undefined) {
      throw new TargetError(
        `Cannot use class "${
          (each as AnyFunction).name
        }" as ${what} as it has the private member '${member}', which cannot be sent: declare it 'private ${
          member.slice(1)
        }' (TypeScript's), or without the word`,
      );
    }
  }
  const source = sourceOf(type);
  const given = nameOfProgramTarget(type);
  if (given === undefined && isBundled) {
    throw new TargetError(
      `Cannot use class "${type.name}" as ${what} as the program is bundled, and no module exports the class: ${
        giveIt(type.name)
      }`,
    );
  }
  const modules = given === undefined ? callers() : [];
  const found = given === undefined ? findExport(type, modules, false) : { module: PROGRAM, name: given };
  const declaring = found === undefined ? declaringOf(modules, type.name) : undefined;
  // As for functions: the calling module may be a program, which a thread should not import in vain.
  const home = found === undefined && declaring === undefined ? homeOfClass(type) : undefined;
  const isHome = canBeImported(home);
  if (isHome) moveToFront(modules, home);
  return {
    kind: "subclass",
    what,
    name: type.name,
    source,
    module: found?.module ?? modules[0],
    modules,
    main: main(),
    typedIn: typedInMain(),
    exported: found?.name,
    isHome,
    isExported: isDeclaredIn(modules[0], declaring, type.name),
  };
}

const homes: WeakMap<AnyFunction, string | undefined> = new WeakMap();

// Each instance of the class is described anew, and the inspector takes milliseconds.
function homeOfClass(type: AnyFunction): string | undefined {
  if (!homes.has(type)) homes.set(type, moduleOfFunction(type));
  return homes.get(type);
}

function canBeImported(home: string | undefined): home is string {
  return home !== undefined && /^(?:file|https?):/.test(home) && !isOwn(home) && !isTypedIn(home);
}

function moveToFront(modules: string[], module: string): void {
  modules.splice(0, modules.length, module, ...modules.filter((other) => other !== module));
}

// In a bundle, the main module stands for all of them. It cannot be imported by a thread that is about to begin in it.
function ofBundle({ module, name }: TaskLocation, what: string): TargetDescriptor {
  if (module !== mainModule()) return { kind: "export", what, module, name };
  if (hasProgramTarget(name)) return { kind: "export", what, module: PROGRAM, name };
  throw new TargetError(
    `Cannot use "${name}" as ${what} as the program is bundled, and its main module cannot be imported: ${
      giveIt(name)
    }`,
  );
}

// The modules on the stack, followed by the modules whose functions this thread runs. The stack alone is not enough: on Bun, a
// timer may leave no frame of its module.
function callers(): string[] {
  const modules = modulesOnStack().filter((module) => !isTypedIn(module));
  for (const home of homeModules()) if (!modules.includes(home)) modules.push(home);
  return modules;
}

function main(): string | undefined {
  // Set in workers and child processes, where the runtime would name the library's own module as the main one.
  const known = mainOfProgram();
  if (known !== undefined) return known;
  const module = mainModule();
  return module === undefined || isOwn(module) || isTypedIn(module) ? undefined : module;
}

// The module on the stack whose text declares or imports this name. With it the function will be found, and the inspector, which
// takes milliseconds, is not needed. A function without a name is written where it is handed over. `undefined` if it is not
// clear.
function declaringOf(modules: string[], name: string): { module?: string } | undefined {
  if (name === "") return {};
  if (!/^[\w$]+$/.test(name)) return undefined;
  const escaped = name.replaceAll("$", "\\$");
  const declaration = RegExp(
    `\\b(?:function|class|const|let)\\s+${escaped}(?![\\w$])|\\bimport\\b[^;'"]*[{,]\\s*${escaped}\\s*(?:,[^;'"]*)?\\}`,
  );
  // `other.name` may be a different function.
  const member = RegExp(`\\.\\s*${escaped}(?![\\w$])`);
  const texts = modules.map((module) => readModule(module) ?? "");
  const index = texts.findIndex((text) => declaration.test(text));
  if (index === -1 || texts.some((text) => member.test(text))) return undefined;
  // Nor is it clear if a near module declares the name too: the function may be imported under another name, or be a member.
  return areSeveralNear(modules, name) ? undefined : { module: modules[index] };
}

// Whether the calling module declares this name, and exports it in the same line. Then no search is needed.
function isDeclaredIn(module: string | undefined, declaring: { module?: string } | undefined, name: string): boolean {
  if (module === undefined || declaring?.module !== module) return false;
  return declarationOf(name, "export\\s+").test(readModule(module) ?? "");
}

// Functions that loaded modules export, and the modules that were searched for them.
const exported: WeakMap<AnyFunction, TaskLocation> = new WeakMap();
const indexed: Set<string> = new Set();

// Looks for the function itself, and not for one with the same source, among the exports of loaded modules: first the near ones.
function findExport(fn: AnyFunction, modules: string[], native: boolean): TaskLocation | undefined {
  for (const module of modules) {
    const name = nameIn(loadedExports(module), fn);
    if (name !== undefined) return { module, name };
  }
  // Next, what these modules import: that is usually enough. To go through all loaded modules takes milliseconds.
  for (const module of TELLS_LOADED ? new Set(modules.flatMap(importsOf)) : []) {
    const name = nameIn(loadedExports(module), fn);
    if (name !== undefined) return { module, name };
  }
  const loaded = loadedModules();
  for (const module of loaded) {
    if (indexed.has(module) || isOwn(module) || isTypedIn(module)) continue;
    const exports = loadedExports(module);
    // The module may not have run yet.
    if (exports === undefined) continue;
    indexed.add(module);
    for (const name of Object.keys(exports)) {
      const value = valueOf(exports, name);
      if (typeof value === "function" && !exported.has(value as AnyFunction)) {
        exported.set(value as AnyFunction, { module, name });
      }
    }
  }
  return exported.get(fn) ?? (native ? findBuiltin(fn, [...modules, ...loaded]) : undefined);
}

// Functions of the runtime's own modules have no source that could be compared.
function findBuiltin(fn: AnyFunction, modules: string[]): TaskLocation | undefined {
  for (const imported of new Set(modules.flatMap(importsOf))) {
    const module = urlOfModule(imported);
    if (module === undefined || !module.startsWith("node:")) continue;
    const name = nameIn(builtinExports(module), fn);
    if (name !== undefined) return { module, name };
  }
  return undefined;
}

function nameIn(exports: object | undefined, fn: AnyFunction): string | undefined {
  return exports && Object.keys(exports).find((name) => valueOf(exports, name) === fn);
}

// Reading an export that its module has not initialized yet throws.
function valueOf(exports: object, name: string): unknown {
  try {
    return (exports as Record<string, unknown>)[name];
  } catch {
    return undefined;
  }
}

function nativeFlaw(fn: AnyFunction): string {
  if (fn.name.startsWith("bound ")) {
    return "it is bound: hand over the function itself, and what it was bound to as an argument";
  }
  return "it is the runtime's own and needs a 'this', or is not among the globals: call it in a function of yours, like (x) => x.toString()";
}
