/**
 * Looks for a function or class by its name and source, in the thread or process where it shall run.
 *
 * @module
 */

import { InvalidStateError, TargetError } from "../../sync/errors.ts";
import { type Exports, readModule, urlOfModule } from "../runtime/modules.ts";
import { atGlobalPath } from "./builtins.ts";
import { show, type TargetDescriptor } from "./describe.ts";
import { addHome } from "./home.ts";
import { importOf, importsOf } from "./imports.ts";
import { compile, type ParsedSource, parseSource } from "./inline.ts";
import { list, load } from "./load.ts";
import { findInText, meaningOf, type ModuleText, readModuleText } from "./module_text.ts";
import { setSearch } from "./resolve.ts";
import { freeReferences } from "./scopes.ts";
import { sourceOf } from "./shape.ts";
import { isMember, tokenizeStart } from "./tokens.ts";

type AnyFunction = (...args: unknown[]) => unknown;
type AnyClass = abstract new (...args: never[]) => unknown;
type Sought = Extract<TargetDescriptor, { kind: "function" | "subclass" }>;

/** How many modules are looked through at most. */
const FAR = 500;

/** Where to look for a function, one place after the other. */
export class Search {
  readonly #sought: Sought;
  readonly #label: string;
  /** Where it looked. */
  readonly #looked: string[] = [];
  /** Modules that stand on the way and could not be imported. */
  readonly #failures: Map<string, unknown> = new Map();
  #parsed: Promise<ParsedSource | undefined> | undefined;
  #word: string | undefined;

  constructor(sought: Sought, label: string) {
    this.#sought = sought;
    this.#label = label;
    addHome(sought.module, sought.main);
  }

  async function(): Promise<AnyFunction> {
    const { global, module, source } = this.#sought as Extract<TargetDescriptor, { kind: "function" }>;
    if (global !== undefined) {
      const value = atGlobalPath(global);
      if (typeof value === "function" && sourceOf(value as never) === source) return value as AnyFunction;
    }
    const found = await this.#find();
    if (typeof found === "function") return found;
    if (typeof found === "object") return await this.#compile(found.module, found.text);
    return found === "unreadable" ? await this.#compile(module, undefined) : await this.#compileForeign();
  }

  async class(): Promise<AnyClass> {
    const found = await this.#find();
    if (typeof found === "function") return found as unknown as AnyClass;
    if (typeof found === "object") this.#fail(`${found.module} does not export it: export it`);
    const { module, typedIn } = this.#sought;
    if (module !== undefined) this.#rethrow(module);
    if (typedIn !== undefined) this.#fail(`${typedIn} is no file that a worker could import: write the class into one`);
    return this.#fail(
      `it is not exported by any of ${
        list(this.#looked)
      }: export it, and import its module statically where start() is called`,
    );
  }

  // The export, or the module in which it stands without being exported.
  async #find(): Promise<AnyFunction | { module: string; text: ModuleText } | "unreadable" | undefined> {
    const { module: home, name } = this.#sought;
    const near = home === undefined || !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
      ? undefined
      : importOf(home, name);
    const exported = near === undefined ? undefined : await this.#exportedBy(near);
    if (exported !== undefined) return exported;
    let unreadable = false;
    for (const module of this.#modules()) {
      const found = await this.#exportedBy(module) ?? await this.#importedBy(module);
      if (found !== undefined) return found;
      const text = await this.#standsIn(module);
      if (typeof text === "object") return { module, text };
      unreadable ||= text === "unreadable";
    }
    // Bun leaves functions that end with a call off the stack, so it may stand in what these modules import.
    return await this.#findFar() ?? (unreadable ? "unreadable" : undefined);
  }

  // In all that the modules import, directly or not; packages are not looked into.
  async #findFar(): Promise<AnyFunction | { module: string; text: ModuleText } | undefined> {
    const modules = this.#modules();
    for (const module of modules) {
      if (modules.size > FAR) return undefined;
      for (const imported of importsOf(module)) {
        const url = urlOfModule(imported);
        if (url?.startsWith("file:") && !url.includes("/node_modules/")) modules.add(url);
      }
      const text = await this.#standsIn(module);
      if (typeof text !== "object") continue;
      return await this.#exportedBy(module) ?? { module, text };
    }
    return undefined;
  }

  #modules(): Set<string> {
    const { modules, main } = this.#sought;
    return new Set(main === undefined ? modules : [...modules, main]);
  }

  async #import(module: string): Promise<Exports | undefined> {
    if (!this.#looked.includes(module)) this.#looked.push(module);
    if (this.#failures.has(module)) return undefined;
    try {
      return await load(module, this.#label, this.#sought.what);
    } catch (error) {
      // A program that starts threads while it is imported: whatever else is found, it must be told.
      if (error instanceof InvalidStateError) throw error;
      this.#failures.set(module, error);
      return undefined;
    }
  }

  async #exportedBy(...modules: string[]): Promise<AnyFunction | undefined> {
    const { name, source, kind } = this.#sought;
    const names: string[] = [];
    let found: AnyFunction | undefined;
    let home = "";
    let several = false;
    for (const module of modules) {
      const exports = await this.#import(module);
      if (exports === undefined) continue;
      for (const exported of Object.keys(exports)) {
        const value = read(exports, exported);
        if (typeof value !== "function" || value.name !== name || sourceOf(value as never) !== source) continue;
        names.push(modules.length > 1 ? `"${exported}" of ${module}` : `"${exported}"`);
        several ||= found !== undefined && found !== value;
        found = value as AnyFunction;
        home ||= module;
      }
    }
    if (found === undefined) return undefined;
    const where = modules.length > 1 ? "the calling module imports" : `${home} exports`;
    const hint = kind === "function" ? task() : "declare each at the top level of its module, under a name of its own";
    if (several) {
      this.#fail(`${where} several that are written alike, ${list(names)}, and it can not be told which: ${hint}`);
    }
    if (!await this.#isPlain(home)) {
      this.#fail(`${where} one that is written alike, ${list(names)}, but what it captures may be another: ${hint}`);
    }
    return found;
  }

  async #importedBy(module: string): Promise<AnyFunction | undefined> {
    return await this.#exportedBy(...importsOf(module));
  }

  // Whether all functions of the module that are written like this one are the same function in effect. A function that
  // captures variables of another one is not: the other one may have been called twice.
  async #isPlain(module: string): Promise<boolean> {
    const { name } = this.#sought;
    const source = readModule(module);
    if (source === undefined) return name !== "";
    if (/^[\w$]+$/.test(name)) {
      const escaped = name.replaceAll("$", "\\$");
      const declaration = RegExp(
        `^(?:export\\s+)?(?:default\\s+)?(?:async\\s+)?(?:function|class)\\s+${escaped}(?![\\w$])`,
        "m",
      );
      if (declaration.test(source)) return true;
    }
    const text = await readModuleText(module);
    const parsed = await this.#parse();
    if (text === undefined || parsed === undefined) return name !== "";
    const kind = this.#sought.kind === "function" ? "functions" : "classes";
    const twins = findInText(text, kind, name, parsed.found, parsed.analysis);
    if (twins.length === 0) return name !== "";
    const free = new Set(freeReferences(parsed.analysis, parsed.found.scope).map((reference) => reference.name));
    return twins.every((twin) => [...free].every((name) => meaningOf(text, twin, name).kind !== "local"));
  }

  #parse(): Promise<ParsedSource | undefined> {
    return this.#parsed ??= parseSource(this.#sought.source);
  }

  async #standsIn(module: string): Promise<ModuleText | "unreadable" | undefined> {
    const source = readModule(module);
    if (source === undefined) return "unreadable";
    this.#word ??= longestWord(this.#sought.source);
    if (!source.includes(this.#word)) return undefined;
    const text = await readModuleText(module);
    if (text === undefined) return "unreadable";
    const parsed = await this.#parse();
    if (parsed === undefined) return undefined;
    const kind = this.#sought.kind === "function" ? "functions" : "classes";
    return findInText(text, kind, this.#sought.name, parsed.found, parsed.analysis).length > 0 ? text : undefined;
  }

  async #compile(module: string | undefined, text: ModuleText | undefined): Promise<AnyFunction> {
    if (module !== undefined) this.#rethrow(module);
    const exports = module === undefined ? {} : await load(module, this.#label, this.#sought.what);
    return await compile(this.#sought, await this.#parse(), {
      module,
      text,
      exports,
      load: (imported) => load(imported, this.#label, this.#sought.what),
    });
  }

  // Of a function from elsewhere nothing is known but its source, so it may use nothing but what every thread has.
  async #compileForeign(): Promise<AnyFunction> {
    const { module, typedIn } = this.#sought;
    const parsed = await this.#parse();
    const free = parsed === undefined ? [] : freeReferences(parsed.analysis, parsed.found.scope);
    const unknown = free.find(({ name, asked }) => !asked && !(name in globalThis));
    if (unknown !== undefined) {
      if (module !== undefined) this.#rethrow(module);
      if (typedIn !== undefined) {
        this.#fail(
          `it uses '${unknown.name}', and ${typedIn} is no file that a worker could import: pass it as an argument, import it with import() in the function, or name a function of a file with task()`,
        );
      }
      this.#fail(`it is not to be found and uses '${unknown.name}'. ${this.#places()}`);
    }
    return await compile(this.#sought, parsed, {
      module: undefined,
      base: typedIn,
      text: undefined,
      exports: {},
      load: () => fail(),
    });
  }

  /** Throws what kept a module from being imported. */
  #rethrow(module: string): void {
    if (this.#failures.has(module)) throw this.#failures.get(module);
  }

  #places(): string {
    return `Looked at what ${list(this.#looked)} export: ${task()}`;
  }

  #fail(why: string): never {
    const { name, source, what } = this.#sought;
    throw new TargetError(`Cannot use ${show(name, source)} as ${what} as ${why}`);
  }
}

// An export may not have its value yet, or never get one.
function read(exports: Exports, name: string): unknown {
  try {
    return exports[name];
  } catch {
    return undefined;
  }
}

// A module without the longest word of a function is not parsed. A word that is inlined may not be in the module.
function longestWord(source: string): string {
  const words = tokenizeStart(source)
    .filter(({ kind, text }, index, tokens) => kind === "name" && isMember(tokens, index) && /^\w+$/.test(text))
    .map(({ text }) => text);
  return words.sort((a, b) => b.length - a.length)[0] ?? "";
}

function fail(): never {
  throw new TypeError("Cannot import a module for a function that is not known to import any");
}

function task(): string {
  return 'name it with task(new URL("./module.ts", import.meta.url), "name")';
}

setSearch(Search);
