/**
 * The side of the caller: describes a function or a class so that another thread or process can find it.
 *
 * This side decides what it can at once: that a function cannot run elsewhere at all, that it is named, that every thread has
 * it, that a module exports it where the runtime tells. The rest is left to the thread that will run the function, which has
 * the time to read modules: see resolve.ts, and README.md for the order of all attempts.
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
import { isOwn } from "../runtime/own_files.ts";
import { areSeveralNear, homeModules, importOf, importsOf, mainOfProgram, modulesOnStack } from "./places.ts";
import {
  type AnyFunction,
  declarationOf,
  flawOf,
  globalPath,
  isNative,
  needsNew,
  privateMember,
  showFunction,
  sourceOf,
} from "./source.ts";

// Functions that are named, and so need not be looked for.

/** Where the function is that a {@linkcode task} stands for. */
interface TaskLocation {
  /** The module, as a full URL. */
  readonly module: string;
  /** The name that it is exported by. */
  readonly name: string;
}

const locations = new WeakMap<object, TaskLocation>();

/** Where the function is, if this is what {@linkcode task} returned. Not public. */
export function locationOf(fn: object): TaskLocation | undefined {
  return locations.get(fn);
}

/**
 * Names a function that is exported by a module, to be used wherever a function runs in another thread or process.
 *
 * Functions that are handed over as they are have to be looked for: in the module that makes the call, in what it
 * imports, in the main module. This says where, and is the way out when the search does not find the function. The module
 * need not be imported by the thread that calls; if the function does not exist, the thread that looks for it reports so.
 *
 * What is returned runs elsewhere only: to call the function here, import it.
 *
 * @param module The module, with its full URL: `import.meta.url`, or `new URL("./work.ts", import.meta.url)`.
 * @param name The name that it is exported by; `"default"` for the default export.
 * @throws {TypeError} If `module` is not the full URL of a module, or `name` is not a string.
 *
 * @example
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
 * The same with the function's type, so that arguments and result are checked.
 *
 * @typeParam F The function's type: `task<typeof work>(…)`.
 * @param module The module, with its full URL: `import.meta.url`, or `new URL("./work.ts", import.meta.url)`.
 * @param name The name that it is exported by; `"default"` for the default export.
 * @throws {TypeError} If `module` is not the full URL of a module, or `name` is not a string.
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

/** What is known of a function or class, and where it may be. */
interface Places {
  /** What it is for, used in error messages: "thread target". */
  what: string;
  name: string;
  source: string;
  /** The calling module. */
  module?: string;
  /** It and the modules that called it, innermost first. */
  modules: string[];
  main?: string;
  /** The text that the program is, if it is no file: nothing in it can be imported. */
  typedIn?: string;
}

/** An export of the name is taken for what is meant, whatever its source: the code there may be another. */
interface Trusted {
  isTrusted?: boolean;
}

/** How to find a function or a class. Sent as JSON. */
export type TargetDescriptor =
  /** What a module exports by a name. */
  | { kind: "export"; what: string; module: string; name: string }
  /** What every thread has. */
  | { kind: "global"; what: string; path: string }
  /**
   * A function that one of the modules exports, or that is global in every thread, or its source. `isHome`: the runtime
   * said that it stands in `module`. `isExported`: by its text, `module` declares and exports it.
   * `isInlineRefused`: it is not to be made of its source.
   */
  | (
    & { kind: "function"; global?: string; isHome?: boolean; isExported?: boolean; isInlineRefused?: boolean }
    & Places
    & Trusted
  )
  /** A class that one of the modules exports, or that a module is known to export as `exported`. `isExported`: as above. */
  | ({ kind: "subclass"; exported?: string; isExported?: boolean } & Places & Trusted);

/** A function that was looked at before. */
interface Known {
  source: string;
  /** Found, wherever it is called from. */
  settled?: TargetDescriptor;
  /** By the modules on the stack. */
  byModules: Map<string, TargetDescriptor>;
}

const known: WeakMap<AnyFunction, Known> = new WeakMap();

/**
 * Describes a function.
 *
 * @param what Used in error messages: "thread target".
 * @throws {TargetError} If it cannot run elsewhere, as far as that can be seen from here.
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
        `Cannot use "${location.name}" as ${what} as ${location.module} is no file that a worker could import: name a function of one with task()`,
      );
    }
    requireReadable(location.module, `Cannot use "${location.name}" as ${what}`);
    return entry.settled = { kind: "export", what, ...location };
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
  const modules = callers();
  const found = findExport(fn, modules, isOfRuntime);
  if (found !== undefined) return entry.settled = { kind: "export", what, ...found };
  if (isOfRuntime) {
    throw new TargetError(`Cannot use ${showFunction(fn.name, source)} as ${what} as ${nativeFlaw(fn)}`);
  }
  const key = modules.join("\n");
  let descriptor = entry.byModules.get(key);
  if (descriptor === undefined) {
    const declaring = declaringOf(modules, fn.name);
    const isDeclared = declaring !== undefined;
    // First a module that imports it, which need not be imported itself: what stands nearer, and hands it on, would be in vain.
    const importing = declaring?.module;
    if (importing !== undefined && importOf(importing, fn.name) !== undefined) {
      modules.splice(0, modules.length, importing, ...modules.filter((module) => module !== importing));
    }
    const home = isDeclared ? undefined : moduleOfFunction(fn);
    const isHome = home !== undefined && /^(?:file|https?):/.test(home) && !isOwn(home) && !isTypedIn(home);
    if (isHome) {
      modules.splice(0, modules.length, home, ...modules.filter((module) => module !== home));
    }
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
      // That takes half a millisecond at first.
      global: isExported ? undefined : globalPath(fn),
    };
    entry.byModules.set(key, descriptor);
    // Where it stands is known, and does not depend on the module that hands it over.
    if (home !== undefined || (isDeclared && fn.name !== "")) entry.settled = descriptor;
  }
  return { ...descriptor, what };
}

/**
 * Describes the class of an instance, which is to be found again as an export.
 *
 * @param Base The library's class, which the other thread has.
 * @throws {TargetError} If the class declares private members: the instance over there would be without.
 */
export function describeSubclass(
  instance: object,
  Base: abstract new (...args: never[]) => object,
  { what }: { what: string },
): TargetDescriptor {
  // Not the instance's own 'constructor', which may be a field of its program's.
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
  const modules = callers();
  const found = findExport(type, modules, false);
  const declaring = found === undefined ? declaringOf(modules, type.name) : undefined;
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
    isExported: isDeclaredIn(modules[0], declaring, type.name),
  };
}

// The modules on the stack, and behind them those whose functions this thread runs: the stack may tell nothing, since a timer
// on Bun may leave no frame of its module.
function callers(): string[] {
  const modules = modulesOnStack().filter((module) => !isTypedIn(module));
  for (const home of homeModules()) if (!modules.includes(home)) modules.push(home);
  return modules;
}

function main(): string | undefined {
  // Known where this is not the program's main thread, and there the runtime names the library's own module.
  const known = mainOfProgram();
  if (known !== undefined) return known;
  const module = mainModule();
  return module === undefined || isOwn(module) || isTypedIn(module) ? undefined : module;
}

// The module on the stack whose text declares this name, or imports it: the function will be found, and the inspector, which takes
// milliseconds, need not be asked. A function without a name is written where it is handed over. `undefined`: it is not
// plain.
function declaringOf(modules: string[], name: string): { module?: string } | undefined {
  if (name === "") return {};
  if (!/^[\w$]+$/.test(name)) return undefined;
  const escaped = name.replaceAll("$", "\\$");
  const declaration = RegExp(
    `\\b(?:function|class|const|let)\\s+${escaped}(?![\\w$])|\\bimport\\b[^;'"]*[{,]\\s*${escaped}\\s*(?:,[^;'"]*)?\\}`,
  );
  // `other.name` may be another function.
  const member = RegExp(`\\.\\s*${escaped}(?![\\w$])`);
  const texts = modules.map((module) => readModule(module) ?? "");
  const index = texts.findIndex((text) => declaration.test(text));
  if (index === -1 || texts.some((text) => member.test(text))) return undefined;
  // And so may a function be that is imported under another name, or is in something that is imported.
  return areSeveralNear(modules, name) ? undefined : { module: modules[index] };
}

// Whether the calling module is what declares this name, and exports it right there: then there is nothing to search for.
function isDeclaredIn(module: string | undefined, declaring: { module?: string } | undefined, name: string): boolean {
  if (module === undefined || declaring?.module !== module) return false;
  return declarationOf(name, "export\\s+").test(readModule(module) ?? "");
}

// Functions that loaded modules export, and the modules that were looked at for that.
const exported: WeakMap<AnyFunction, TaskLocation> = new WeakMap();
const indexed: Set<string> = new Set();

// By identity, which leaves no doubt, among what the runtime says is loaded: first the modules that are near.
function findExport(fn: AnyFunction, modules: string[], native: boolean): TaskLocation | undefined {
  for (const module of modules) {
    const name = nameIn(loadedExports(module), fn);
    if (name !== undefined) return { module, name };
  }
  // What these import is mostly all that there is to look at; all that is loaded takes milliseconds.
  for (const module of TELLS_LOADED ? new Set(modules.flatMap(importsOf)) : []) {
    const name = nameIn(loadedExports(module), fn);
    if (name !== undefined) return { module, name };
  }
  const loaded = loadedModules();
  for (const module of loaded) {
    if (indexed.has(module) || isOwn(module) || isTypedIn(module)) continue;
    const exports = loadedExports(module);
    // The module may be about to run.
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

// The runtime's own modules have functions that no source tells apart.
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

// What a module has not got to yet cannot be read.
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
  return "it is the runtime's own and needs a 'this', or is not to be found among the globals: call it in a function of yours, like (x) => x.toString()";
}
