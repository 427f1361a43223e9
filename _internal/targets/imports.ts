/**
 * What a module imports.
 *
 * @module
 */

import { readModule, resolveImport, scanImports } from "../runtime/modules.ts";
import { isOwn } from "./stack.ts";
import { closing, isPunctuator, type Token, tokenizeStart } from "./tokens.ts";

const known: Map<string, string[]> = new Map();

/** The full names of the modules that a local module imports statically or exports from; none if it can not be read. */
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
      if (!isOwn(resolved) && !modules.includes(resolved)) modules.push(resolved);
    } catch {
      // It was loaded, so there must be a name for it, but this thread does not know it: one place less to look.
    }
  }
  return modules;
}

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
