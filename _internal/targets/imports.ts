/**
 * What a module imports.
 *
 * @module
 */

import { readModule, resolveImport, scanImports, urlOfModule } from "../runtime/modules.ts";
import { isOwn } from "./stack.ts";
import { closing, isPunctuator, type Token, tokenizeStart } from "./tokens.ts";

const known: Map<string, string[]> = new Map();

/** The full names of the modules that a local module imports statically or exports from; none if it cannot be read. */
export function importsOf(module: string): string[] {
  let imports = known.get(module);
  if (imports === undefined) {
    known.set(module, imports = find(module));
  }
  return imports;
}

function find(module: string): string[] {
  const text = readModule(module);
  if (text === undefined) return [];
  const modules: string[] = [];
  for (const specifier of scanImports(text, module) ?? specifiersIn(tokenizeStart(text))) {
    try {
      const resolved = resolveImport(specifier, module);
      if (!isOwn(urlOfModule(resolved) ?? "") && !modules.includes(resolved)) modules.push(resolved);
    } catch {
      // It was loaded, so there must be a name for it, but this thread does not know it: one place less to look.
    }
  }
  return modules;
}

/**
 * The full name of the one module from which a local module imports something by this name, and has nothing of that name
 * itself. Then it need not be imported to find that: its top level may be a program.
 */
export function importOf(module: string, name: string): string | undefined {
  const text = readModule(module);
  if (text === undefined || !text.includes(name)) return undefined;
  const tokens = tokenizeStart(text);
  let found: string | undefined;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token.kind !== "name" || token.text !== "import" || !isPunctuator(tokens[index + 1], "{")) {
      // Declared here, or a member of something, which is looked into.
      if (token.kind === "name" && token.text === name && ELSEWHERE.has(tokens[index - 1]?.text ?? "")) {
        return undefined;
      }
      continue;
    }
    const end = closing(tokens, index + 1);
    const clause = tokens.slice(index + 2, end);
    const has = clause.some((each, at) => each.text === name && (at === 0 || isPunctuator(clause[at - 1], ",")));
    const [from, specifier] = [tokens[end + 1], tokens[end + 2]];
    index = end;
    if (!has || from?.text !== "from" || specifier?.kind !== "string") continue;
    if (found !== undefined) return undefined;
    found = stringOf(specifier.text);
  }
  if (found === undefined) return undefined;
  try {
    return resolveImport(found, module);
  } catch {
    return undefined;
  }
}

/** Whether several of these modules, and of those that they import, seem to declare a function of that name. */
export function areSeveralNear(modules: readonly string[], name: string): boolean {
  const declaration = RegExp(`\\b(?:function|const|let)\\s+${name.replaceAll("$", "\\$")}(?![\\w$])`);
  const near = new Set([...modules, ...modules.flatMap(importsOf)]);
  return [...near].filter((module) => declaration.test(readModule(module) ?? "")).length > 1;
}

const ELSEWHERE = new Set(["function", "class", "const", "let", "var", "*", "as", ".", "?."]);

/** The specifiers of the import declarations, and of the exports from other modules, among tokens. */
export function specifiersIn(tokens: readonly Token[]): string[] {
  const specifiers: string[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (isPunctuator(token, "{") || isPunctuator(token, "(") || isPunctuator(token, "[")) {
      index = closing(tokens, index);
      continue;
    }
    if (token.kind !== "name" || (token.text !== "import" && token.text !== "export")) continue;
    let at = index + 1;
    // `import type { X }` is of no module that runs; `import type from` is.
    if (tokens[at]?.text === "type" && !/^(?:from|,)$/.test(tokens[at + 1]?.text ?? "")) continue;
    while (at < tokens.length) {
      if (isPunctuator(tokens[at], "{")) at = closing(tokens, at) + 1;
      else if (tokens[at].kind === "name" || isPunctuator(tokens[at], "*") || isPunctuator(tokens[at], ",")) at++;
      else break;
      if (tokens[at - 1]?.text === "from") break;
    }
    const bare = token.text === "import" && at === index + 1;
    if (tokens[at]?.kind === "string" && (bare || tokens[at - 1]?.text === "from")) {
      specifiers.push(stringOf(tokens[at].text));
      index = at;
    }
  }
  return specifiers;
}

function stringOf(literal: string): string {
  return literal.slice(1, -1).replace(/\\(.)/g, "$1");
}
