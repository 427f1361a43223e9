/**
 * Searches for a function or class by its name and source, in the thread or process that will run it: see README.md for the
 * order of places. A function that no module exports is made from its source, in inline.ts.
 *
 * @module
 */

import { InvalidStateError, TargetError } from "../errors.ts";
import { type Exports, readModule, resolveImport, urlOfModule } from "../runtime/modules.ts";
import type { TargetDescriptor } from "./describe.ts";
import {
  compile,
  findInText,
  meaningOf,
  type ModuleText,
  type ParsedSource,
  parseSource,
  readModuleText,
} from "./inline.ts";
import { isBundled } from "../runtime/own_files.ts";
import { addHome, areSeveralNear, importOf, importsOf } from "./places.ts";
import { isSought, list, load, read, setSearch, type Sought } from "./resolve.ts";
import { type FoundFunction, freeReferences } from "./scopes.ts";
import {
  type AnyClass,
  atGlobalPath,
  type Callable,
  declarationOf,
  giveIt,
  isMember,
  showFunction,
  sourceOf,
  tokenizeStart,
} from "./source.ts";

/** An export with the name and source that are sought. */
interface Candidate {
  readonly module: string;
  /** The name under which the module exports it. */
  readonly name: string;
  readonly value: Callable;
}

/** How many modules are searched at most. */
const FAR = 500;

/** The search for one function or class. */
export class Search {
  readonly #sought: Sought;
  readonly #label: string;
  /** The modules that the search has imported, or tried to import. */
  readonly #looked: string[] = [];
  /** The modules that could not be imported, with their errors. */
  readonly #failures: Map<string, unknown> = new Map();
  #parsed: Promise<ParsedSource | undefined> | undefined;
  #word: string | undefined;

  constructor(sought: Sought, label: string) {
    this.#sought = sought;
    this.#label = label;
    addHome(sought.module, sought.main);
  }

  async function(): Promise<Callable> {
    const { global, module, source } = this.#sought as Extract<TargetDescriptor, { kind: "function" }>;
    if (global !== undefined) {
      const value = atGlobalPath(global);
      if (typeof value === "function" && sourceOf(value as never) === source) return value as Callable;
    }
    const found = await this.#find();
    if (typeof found === "function") return found;
    if ((this.#sought as { isInlineRefused?: boolean }).isInlineRefused) {
      this.#fail(
        "no module exports it, and this agent makes no function of its source: export it, or serve with { inline: true }",
      );
    }
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

  // The export, or the module in which it is written without being exported. "unreadable": it may be in a module that cannot be
  // read.
  async #find(): Promise<Callable | { module: string; text: ModuleText } | "unreadable" | undefined> {
    const { module: home, name, isHome } = { isHome: false, ...this.#sought };
    if (home !== undefined && isHome) {
      const text = await this.#standsIn(home);
      const found = await this.#exportedBy(home) ?? (typeof text === "object" ? { module: home, text } : undefined);
      if (found !== undefined) return found;
    }
    const near = home === undefined || !/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name)
      ? undefined
      : importOf(home, name);
    if (near !== undefined) {
      const found = areSeveralNear([home!], name) ? await this.#importedBy(home!) : await this.#exportedBy(near);
      if (found !== undefined) return found;
    }
    let unreadable = false;
    for (const module of this.#modules()) {
      const exported = await this.#exportedBy(module);
      if (exported !== undefined) return exported;
      const text = await this.#standsIn(module);
      const imported = await this.#importedBy(module, text);
      if (imported !== undefined) return imported;
      if (typeof text === "object") return { module, text };
      unreadable ||= text === "unreadable";
    }
    // Bun leaves a function off the stack if it ends with a call. So the function may be written in what these modules import.
    return await this.#findFar() ?? (unreadable ? "unreadable" : undefined);
  }

  // Searches everything that the modules import, directly or not, except packages.
  async #findFar(): Promise<Callable | { module: string; text: ModuleText } | undefined> {
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
      // A program that starts threads while it is imported must get this error, whatever else is found.
      if (error instanceof InvalidStateError) throw error;
      this.#failures.set(module, error);
      return undefined;
    }
  }

  async #exportedBy(module: string): Promise<Callable | undefined> {
    const candidates = await this.#candidates([module]);
    return candidates.length === 0 ? undefined : await this.#choose(candidates, `${module} exports`);
  }

  // A name that a module imports means what it imports, unless the module itself declares something with the same source.
  async #importedBy(module: string, standsIn?: ModuleText | "unreadable"): Promise<Callable | undefined> {
    let candidates = await this.#candidates(importsOf(module));
    if (candidates.length === 0) return undefined;
    const isOneOfMany = candidates.some(({ value }) => value !== candidates[0].value);
    const isDeclared = typeof standsIn === "object" &&
      (await this.#twinsIn(standsIn)).some((twin) => twin.name === this.#sought.name);
    if (isOneOfMany || isDeclared) {
      const imports: ModuleText["imports"] = (await readModuleText(module))?.imports ?? new Map();
      const isNamed = (candidate: Candidate): boolean =>
        [...imports.values()].some(({ module: from, imported }) =>
          resolveImport(from, module) === candidate.module && (imported === undefined || imported === candidate.name)
        );
      const named = candidates.filter(isNamed);
      if (isDeclared && named.length === 0) return undefined;
      if (isDeclared) this.#failAsAlike(`${module} declares and imports`, named.map(inFull));
      // `namespace.name` is one of the imports, but `object.name` may be anything.
      const owners = ownersOf(this.#sought.name, readModule(module) ?? "");
      const isClear = owners.every((owner) => imports.has(owner) && imports.get(owner)!.imported === undefined);
      if (named.length > 0 && isClear) candidates = named;
    }
    return await this.#choose(candidates, "the calling module imports");
  }

  async #candidates(modules: string[]): Promise<Candidate[]> {
    const candidates: Candidate[] = [];
    for (const module of modules) {
      const exports = await this.#import(module);
      if (exports === undefined) continue;
      for (const exported of Object.keys(exports)) {
        const value = read(exports, exported);
        if (typeof value !== "function" || !isSought(value as never, this.#sought)) continue;
        candidates.push({ module, name: exported, value: value as Callable });
      }
    }
    return candidates;
  }

  async #choose(candidates: Candidate[], where: string): Promise<Callable> {
    const [{ module, value }] = candidates;
    const isOfOne = candidates.every((each) => each.module === module);
    const names = candidates.map((each) => isOfOne ? `"${each.name}"` : inFull(each));
    if (candidates.some((each) => each.value !== value)) this.#failAsAlike(where, names);
    if (!await this.#isPlain(module)) {
      this.#fail(
        `${where} ${
          list(names)
        } with the same source, but it captures variables, so it may not be the same: ${this.#hint()}`,
      );
    }
    return value;
  }

  #failAsAlike(where: string, names: string[]): never {
    this.#fail(
      `${where} several with the same source, ${list(names)}, and it is not clear which is meant: ${this.#hint()}`,
    );
  }

  #hint(): string {
    return this.#sought.kind === "function"
      ? task()
      : "declare each at the top level of its module, under a name of its own";
  }

  // The functions (or classes) of a module with the source that is sought.
  async #twinsIn(text: ModuleText): Promise<FoundFunction[]> {
    const { kind, name } = this.#sought;
    const parsed = await this.#parse();
    if (parsed === undefined) return [];
    return findInText(text, kind === "function" ? "functions" : "classes", name, parsed.found, parsed.analysis);
  }

  // Whether all functions of the module with this source do the same. A function that captures variables of another function may
  // not: that other function may have been called more than once, and each call has variables of its own.
  async #isPlain(module: string): Promise<boolean> {
    const { name } = this.#sought;
    const source = readModule(module);
    if (source === undefined) return name !== "";
    if (/^[\w$]+$/.test(name) && declarationOf(name, "(?:export\\s+)?(?:default\\s+)?").test(source)) return true;
    const text = await readModuleText(module);
    const twins = text === undefined ? [] : await this.#twinsIn(text);
    if (twins.length === 0) return name !== "";
    const { analysis, found } = (await this.#parse())!;
    const free = new Set(freeReferences(analysis, found.scope).map((reference) => reference.name));
    return twins.every((twin) => [...free].every((name) => meaningOf(text!, twin, name).kind !== "local"));
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
    return (await this.#twinsIn(text)).length > 0 ? text : undefined;
  }

  async #compile(module: string | undefined, text: ModuleText | undefined): Promise<Callable> {
    if (module !== undefined) this.#rethrow(module);
    const exports = module === undefined ? {} : await load(module, this.#label, this.#sought.what);
    return await compile(this.#sought, await this.#parse(), {
      module,
      text,
      exports,
      load: (imported) => load(imported, this.#label, this.#sought.what),
    });
  }

  // Nothing is known of a function from elsewhere but its source, so it may use only what every thread has.
  async #compileForeign(): Promise<Callable> {
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
      if (isBundled) {
        this.#fail(
          `the program is bundled, no module exports it, and it uses '${unknown.name}': ${giveIt(this.#sought.name)}`,
        );
      }
      this.#fail(`it was not found and uses '${unknown.name}'. ${this.#places()}`);
    }
    return await compile(this.#sought, parsed, {
      module: undefined,
      base: typedIn,
      text: undefined,
      exports: {},
      load: () => fail(),
    });
  }

  /** Throws the error that kept a module from being imported, if there is one. */
  #rethrow(module: string): void {
    if (this.#failures.has(module)) throw this.#failures.get(module);
  }

  #places(): string {
    return `Looked at what ${list(this.#looked)} export: ${task()}`;
  }

  #fail(why: string): never {
    const { name, source, what } = this.#sought;
    throw new TargetError(`Cannot use ${showFunction(name, source)} as ${what} as ${why}`);
  }
}

/** The names before `.name` in a text. */
function ownersOf(name: string, text: string): string[] {
  return tokenizeStart(text)
    .map((token, index, tokens) =>
      token.text === name && isMember(tokens, index) ? tokens[index - 2]?.text ?? "" : undefined
    )
    .filter((owner) => owner !== undefined);
}

function inFull({ module, name }: Candidate): string {
  return `"${name}" of ${module}`;
}

// The longest name of a member that a source uses. A module without it need not be parsed. Other words do not count: the runtime
// may have inlined them, so that the module's text does not have them.
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
