/**
 * Makes functions that no module exports from their source, in the thread or process that runs them.
 *
 * A name that a function uses and does not declare is an export or import of its module, or a global. Each use of an export or
 * import is replaced by an expression that reads it at that moment, because an export can change. Anything else that the
 * function can see where it is written does not exist here, and is an error before the function runs. To know which is which,
 * the module is read and parsed, and the function is looked up in it.
 *
 * @module
 */

import { TargetError } from "../errors.ts";
import {
  type Exports,
  type ImportCallOptions,
  importModule,
  readModule,
  resolveImport,
  toJavaScript,
} from "../runtime/modules.ts";
import { isBrowser } from "../runtime/runtime.ts";
import type { Sought } from "./resolve.ts";
import {
  type Analysis,
  analyze,
  bound,
  type FoundFunction,
  freeReferences,
  isWithin,
  type Node,
  type Reference,
  scopeOf,
} from "./scopes.ts";
import { type Callable, showFunction } from "./source.ts";

// The parser is loaded only if it is needed.
async function loadParser(): Promise<typeof import("acorn")> {
  return await import("acorn");
}

// Modules as texts: where a function is written in one, and what a name means there.

/** What a name means in a function of a module. */
type Meaning =
  | { kind: "global" }
  /** A variable of an enclosing function or block. */
  | { kind: "local" }
  | { kind: "module"; exported: string | undefined }
  /** `imported` is `undefined` for a namespace: `import * as name`. */
  | { kind: "import"; module: string; imported: string | undefined };

/** A module that was read and parsed. */
export interface ModuleText {
  readonly analysis: Analysis;
  readonly imports: Map<string, { module: string; imported: string | undefined }>;
  /** The names under which it exports, by its own names. */
  readonly exports: Map<string, string>;
}

const known: Map<string, ModuleText | undefined> = new Map();

/** Reads and parses a module; `undefined` if that is not possible, because it is remote or in another language. */
export async function readModuleText(module: string): Promise<ModuleText | undefined> {
  if (!known.has(module)) known.set(module, await parseModule(module));
  return known.get(module);
}

async function parseModule(module: string): Promise<ModuleText | undefined> {
  const text = readModule(module);
  const code = text === undefined ? undefined : toJavaScript(text, module);
  if (code === undefined) return undefined;
  const { parse } = await loadParser();
  let program;
  try {
    program = parse(code, { ecmaVersion: "latest", sourceType: "module", allowHashBang: true });
  } catch {
    return undefined;
  }
  const found: ModuleText = { analysis: analyze(program), imports: new Map(), exports: new Map() };
  for (const statement of program.body as unknown as Node[]) note(statement, found);
  return found;
}

function note(statement: Node, { imports, exports }: ModuleText): void {
  switch (statement.type) {
    case "ImportDeclaration":
      for (const specifier of statement.specifiers as Node[]) {
        const imported = specifier.type === "ImportSpecifier"
          ? nameOf(specifier.imported as Node)
          : specifier.type === "ImportDefaultSpecifier"
          ? "default"
          : undefined;
        const module = (statement.source as Node).value as string;
        imports.set(nameOf(specifier.local as Node), { module, imported });
      }
      return;
    case "ExportNamedDeclaration": {
      const declaration = statement.declaration as Node | null;
      if (declaration?.type === "VariableDeclaration") {
        for (const declarator of declaration.declarations as Node[]) {
          for (const name of bound(declarator.id as Node)) exports.set(name, name);
        }
      } else if (declaration !== null) {
        const name = nameOf(declaration.id as Node);
        exports.set(name, name);
      }
      if (statement.source !== null) return;
      for (const specifier of statement.specifiers as Node[]) {
        exports.set(nameOf(specifier.local as Node), nameOf(specifier.exported as Node));
      }
      return;
    }
    case "ExportDefaultDeclaration": {
      const declaration = statement.declaration as Node;
      if (/^(?:Function|Class)Declaration$/.test(declaration.type) && declaration.id) {
        exports.set(nameOf(declaration.id as Node), "default");
      }
    }
  }
}

function nameOf(node: Node): string {
  return (node.name ?? node.value) as string;
}

/** What a name means where a function of a module is written. */
export function meaningOf(text: ModuleText, { scope }: FoundFunction, name: string): Meaning {
  const home = scopeOf(name, scope.parent!);
  if (home === undefined) return { kind: "global" };
  if (home !== text.analysis.root) return { kind: "local" };
  const imported = text.imports.get(name);
  return imported !== undefined
    ? { kind: "import", ...imported }
    : { kind: "module", exported: text.exports.get(name) };
}

/** The functions (or classes) of a module that may have this source. */
export function findInText(
  { analysis }: ModuleText,
  kind: "functions" | "classes",
  name: string,
  sought: FoundFunction,
  soughtIn: Analysis,
): FoundFunction[] {
  const form = formOf(sought.node);
  const all = analysis[kind];
  const same = all.filter(({ node }) => formOf(node) === form);
  if (same.length > 0) return same;
  // Bun evaluates some expressions when it loads a module, but not all of them when it transpiles the text here. So compare what
  // it leaves alone.
  const names = (analysis: Analysis, { scope }: FoundFunction): string =>
    [...new Set(freeReferences(analysis, scope).map((reference) => reference.name))].sort().join();
  const { params, async } = sought.node as { params?: unknown[]; async?: boolean };
  const uses = names(soughtIn, sought);
  return all.filter((each) => {
    const { node } = each as { node: { params?: unknown[]; async?: boolean } };
    return node.params?.length === params?.length && node.async === async && (each.name ?? "") === name &&
      names(analysis, each) === uses;
  });
}

const IRRELEVANT = new Set(["start", "end", "raw", "directive", "shorthand", "id", "expression"]);

/** A text that is the same for two functions if they differ only in spaces, parentheses, and their own names. */
function formOf(node: Node): string {
  return JSON.stringify(node, (key, value) => {
    if (typeof value === "bigint") return `${value}n`;
    if (Array.isArray(value)) return value.filter((each) => each?.type !== "EmptyStatement");
    if (value instanceof RegExp) return null;
    if (value === null || typeof value !== "object" || typeof value.type !== "string") return value;
    const copy: Record<string, unknown> = {};
    for (const name of Object.keys(value).sort()) {
      // The name of an inner function counts.
      if (IRRELEVANT.has(name) && !(name === "id" && key !== "")) continue;
      if (name === "expression" && value.type !== "ArrowFunctionExpression") copy[name] = value[name];
      else if (name === "type" && value.type === "FunctionDeclaration" && key === "") copy[name] = "FunctionExpression";
      else if (name === "type" && value.type === "ClassDeclaration" && key === "") copy[name] = "ClassExpression";
      else if (name === "value" && value.type === "TemplateElement") copy[name] = value.value.cooked;
      else copy[name] = value[name];
    }
    return copy;
  });
}

// Functions that are made from their source.

/** A function's source, parsed. */
export interface ParsedSource {
  /** The source as an expression. */
  readonly code: string;
  readonly analysis: Analysis;
  readonly found: FoundFunction;
  /** The member of an object expression that holds the function, if its source is a method. */
  readonly member: Node | undefined;
}

/** Imports a module and returns its exports. */
type Importer = (module: string) => Promise<Exports>;

/** Parses the source of a function or class: an expression, or the text of a method. */
export async function parseSource(source: string): Promise<ParsedSource | undefined> {
  const { parse } = await loadParser();
  // A private method becomes a public method of an object here.
  const method = source.replace(/^((?:static\s+)?(?:async\b\s*)?(?:\*\s*)?(?:[gs]et\s+)?)#/, "$1");
  for (const code of [`(${source}\n)`, `({${method}\n})`]) {
    let program;
    try {
      // A private name of a class around the function parses, so that the error can name it.
      program = parse(code, { ecmaVersion: "latest", sourceType: "module", checkPrivateFields: false });
    } catch {
      continue;
    }
    const { expression } = program.body[0] as unknown as { expression: Node };
    let node = expression;
    let member: Node | undefined;
    if (expression.type === "ObjectExpression") {
      member = (expression.properties as Node[])[0];
      node = member?.value as Node;
    }
    const analysis = analyze(program);
    const found = [...analysis.functions, ...analysis.classes].find((each) => each.node === node);
    if (found !== undefined) return { code, analysis, found, member };
  }
  return undefined;
}

/**
 * Makes a function from its source.
 *
 * @param module The module in which it is written, if that is known.
 * @param base The URL to which its `import()` is relative, if there is no such module.
 * @param text The parsed text of that module; `undefined` if it could not be read.
 * @param exports The exports of that module.
 * @param load Imports the modules that it imports from.
 */
export async function compile(
  descriptor: Sought,
  parsed: ParsedSource | undefined,
  { module, base = module, text, exports, load }: {
    module: string | undefined;
    base?: string;
    text: ModuleText | undefined;
    exports: Exports;
    load: Importer;
  },
): Promise<Callable> {
  const { name, source, what } = descriptor;
  const fail = (why: string): never => {
    throw new TargetError(`Cannot use ${showFunction(name, source)} as ${what} as ${why}`);
  };
  if (parsed === undefined) return fail(`its source cannot be read: export it, or name it with task()`);
  const { analysis, found, member } = parsed;
  checkSpecials(parsed, fail);
  const edits: { start: number; end: number; text: string }[] = [];
  const values: Map<string, unknown> = new Map();
  const twins = text === undefined ? [] : findInText(text, "functions", name, found, analysis);
  const free = Map.groupBy(freeReferences(analysis, found.scope), (reference) => reference.name);
  for (const [name, references] of free) {
    if (references.some((reference) => reference.written)) {
      fail(
        `it assigns to '${name}', which it does not declare and which would be another variable in the other thread or process: return the value, or use a Value`,
      );
    }
    const meanings = twins.map((twin) => meaningOf(text!, twin, name));
    const meaning = meanings.find(({ kind }) => kind === "local") ?? meanings[0] ?? guess(name, exports);
    const place = await placeOf(name, meaning, references, { module, exports, load, fail });
    if (place === undefined) continue;
    const [object, key] = place;
    const holder = holderOf(object, values, source);
    const read = key === undefined ? holder : `${holder}[${JSON.stringify(key)}]`;
    for (const { start, end, called, shorthand } of references) {
      // `exports.f()` would pass the exports as 'this'.
      edits.push({ start, end, text: shorthand ? `${name}: ${read}` : called ? `(0, ${read})` : read });
    }
  }
  for (const { what, node } of analysis.specials) {
    if (what !== "import()") continue;
    const importer = (specifier: unknown, options?: ImportCallOptions): Promise<unknown> => {
      const target = base === undefined ? String(specifier) : resolveImport(String(specifier), base);
      return importModule(target, options);
    };
    edits.push({
      start: node.start,
      end: node.start + "import".length,
      text: holderOf("import", values, source, importer),
    });
  }
  if (member?.computed === true) {
    // The key was computed where the function is written, and means nothing here.
    const key = member.key as Node;
    edits.push({ start: key.start, end: key.end, text: '"f"' });
  }
  let { code } = parsed;
  for (const { start, end, text } of edits.sort((a, b) => b.start - a.start)) {
    code = code.slice(0, start) + text + code.slice(end);
  }
  // The source URL puts the module into the frames of this function. A function that it hands over in turn is then searched for
  // in that module.
  const body = `"use strict"; return ${code}${module === undefined ? "" : `\n//# sourceURL=${module}`}`;
  let made = functionOf(values, body) ??
    fail("the page's Content-Security-Policy forbids to make functions from text: export it");
  if (member !== undefined) {
    const { value, get, set } = Object.values(Object.getOwnPropertyDescriptors(made))[0] as PropertyDescriptor;
    made = value ?? get ?? set;
  }
  Object.defineProperty(made, "name", { value: name, configurable: true });
  return made;
}

// `undefined` if a page forbids code from text.
function functionOf(values: Map<string, unknown>, body: string): Callable | undefined {
  try {
    return new Function(...values.keys(), body)(...values.values());
  } catch (error) {
    if (isBrowser && error instanceof EvalError) return undefined;
    throw error;
  }
}

/** Refuses `this`, `super`, and similar, if they belong to what is around the function. */
function checkSpecials({ analysis, found }: ParsedSource, fail: (why: string) => never): void {
  for (const { what, scope, owner } of analysis.specials) {
    if (!isWithin(scope, found.scope) || what === "import()" || what === "yield") continue;
    if (what === "import.meta") {
      fail(
        "it uses 'import.meta', which belongs to a module: export the function, or pass what it needs as an argument",
      );
    }
    // It may belong to a function or class inside.
    if (what.startsWith("#") || owner === undefined || owner === found.node) {
      fail(`it uses '${what}', which is not sent: write a function that takes what it needs as an argument`);
    }
  }
}

/** What a name means if it is not known where the function is written. */
function guess(name: string, exports: Exports): Meaning {
  return Object.hasOwn(exports, name) ? { kind: "module", exported: name } : { kind: "global" };
}

async function placeOf(
  name: string,
  meaning: Meaning,
  references: Reference[],
  { module, exports, load, fail }: {
    module: string | undefined;
    exports: Exports;
    load: Importer;
    fail: (why: string) => never;
  },
): Promise<[object: unknown, key: string | undefined] | undefined> {
  switch (meaning.kind) {
    case "global":
      if (name in globalThis || references.every(({ asked }) => asked)) return undefined;
      return fail(
        `it uses '${name}', which is neither exported by ${
          module ?? "the calling module"
        } nor global: pass it as an argument, export it, or name an exported function with task()`,
      );
    case "local":
      return fail(
        `it captures the local variable '${name}', which is not sent: pass it as an argument, or name an exported function with task()`,
      );
    case "module":
      if (meaning.exported !== undefined) return [exports, meaning.exported];
      return fail(
        `it uses '${name}', which ${module} does not export: pass it as an argument, or export it, and each thread has its own`,
      );
    case "import": {
      let imported: Exports;
      try {
        imported = await load(resolveImport(meaning.module, module!));
      } catch (cause) {
        throw new TargetError(
          `${
            prefixOf(fail)
          }it uses '${name}', and "${meaning.module}", from which ${module} imports it, cannot be imported here: pass it as an argument, or export the function and name it with task()`,
          { cause },
        );
      }
      return [imported, meaning.imported];
    }
  }
}

// The beginning of the message that `fail` throws, for an error that has a cause.
function prefixOf(fail: (why: string) => never): string {
  try {
    return fail("");
  } catch (error) {
    return (error as Error).message;
  }
}

/** The name of a parameter that brings a value into the function's code. It occurs nowhere in that code. */
function holderOf(key: unknown, holders: Map<string, unknown>, source: string, value: unknown = key): string {
  for (const [name, held] of holders) if (held === value) return name;
  for (let index = holders.size;; index++) {
    const name = `$${index}`;
    if (source.includes(name) || holders.has(name)) continue;
    holders.set(name, value);
    return name;
  }
}
