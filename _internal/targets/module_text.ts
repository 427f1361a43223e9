/**
 * Modules as they are written: where in one a function stands, and what a name means there.
 *
 * @module
 */

import { readModule, toJavaScript } from "../runtime/modules.ts";
import { type Analysis, analyze, bound, type FoundFunction, freeReferences, type Node, scopeOf } from "./scopes.ts";

/** What a name means in a function of a module. */
export type Meaning =
  | { kind: "global" }
  /** A variable of a function or block around it. */
  | { kind: "local" }
  | { kind: "module"; exported: string | undefined }
  /** `imported` is `undefined` for all of the module: `import * as name`. */
  | { kind: "import"; module: string; imported: string | undefined };

/** A module that could be read and parsed. */
export interface ModuleText {
  readonly analysis: Analysis;
  readonly imports: Map<string, { module: string; imported: string | undefined }>;
  /** By their names inside. */
  readonly exports: Map<string, string>;
}

const known: Map<string, ModuleText | undefined> = new Map();

/** Loads the parser, once it is needed. */
export async function loadParser(): Promise<typeof import("acorn")> {
  return await import("acorn");
}

/** Reads and parses a module; `undefined` if that cannot be done (it is remote, or in a language of its own). */
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

/** What a name means where a function of a module stands. */
export function meaningOf(text: ModuleText, { scope }: FoundFunction, name: string): Meaning {
  const home = scopeOf(name, scope.parent!);
  if (home === undefined) return { kind: "global" };
  if (home !== text.analysis.root) return { kind: "local" };
  const imported = text.imports.get(name);
  return imported !== undefined
    ? { kind: "import", ...imported }
    : { kind: "module", exported: text.exports.get(name) };
}

/** The functions (or classes) of a module that a source may be that of. */
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
  // Bun computes some expressions when it loads a module, and not all of them when it is asked to.
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

/** A text that two functions have in common if they are written alike but for spaces, parentheses and their names. */
function formOf(node: Node): string {
  return JSON.stringify(node, (key, value) => {
    if (typeof value === "bigint") return `${value}n`;
    if (Array.isArray(value)) return value.filter((each) => each?.type !== "EmptyStatement");
    if (value instanceof RegExp) return null;
    if (value === null || typeof value !== "object" || typeof value.type !== "string") return value;
    const copy: Record<string, unknown> = {};
    for (const name of Object.keys(value).sort()) {
      // An inner function's name counts.
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
