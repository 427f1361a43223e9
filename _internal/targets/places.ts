/**
 * Where to search for a function, on either side: in the modules whose functions this thread runs, in the modules on the call
 * stack, and in the modules that these import.
 *
 * @module
 */

import { readModule, resolveImport, scanImports, urlOfModule, urlOfPlace } from "../runtime/modules.ts";
import { isOwn } from "../runtime/own_files.ts";
import { closing, isPunctuator, type Token, tokenizeStart } from "./source.ts";

// The modules whose functions this thread runs.

const modules: Set<string> = new Set();
let main: string | undefined;

/** Notes that this thread runs a function of `module`, in a program whose main module is `ofProgram`. */
export function addHome(module: string | undefined, ofProgram: string | undefined): void {
  if (module !== undefined) modules.add(module);
  main ??= ofProgram;
}

/** The modules in which to search if the stack does not name any. */
export function homeModules(): string[] {
  return [...modules];
}

/** The main module of the program; `undefined` in the program's main thread. */
export function mainOfProgram(): string | undefined {
  return main;
}

// The modules on the call stack.

/** More than the usual ten frames: the calling module may be further up the stack. */
const DEPTH = 64;

interface CallSite {
  getFileName(): string | null | undefined;
  getScriptNameOrSourceURL?(): string | null | undefined;
}

interface ErrorHooks {
  stackTraceLimit?: number;
  prepareStackTrace?: unknown;
}

/** The modules of the functions on the call stack, innermost first, as full URLs and without those of this library. */
export function modulesOnStack(): string[] {
  const modules: string[] = [];
  for (const place of places()) {
    const module = urlOfPlace(place);
    if (module !== undefined && !isOwn(module) && !modules.includes(module)) modules.push(module);
  }
  return modules;
}

// The text of a stack would not do: it does not show where the name of a module ends, and Deno writes it without escapes, like
// `a b#c.ts`.
function places(): string[] {
  const hooks = Error as ErrorHooks;
  const { stackTraceLimit, prepareStackTrace } = hooks;
  let sites: unknown;
  try {
    // If intrinsics are frozen, these have no effect. Then the usual ten frames must do, as text.
    Reflect.set(hooks, "stackTraceLimit", DEPTH);
    Reflect.set(hooks, "prepareStackTrace", (_error: unknown, callSites: unknown) => callSites);
    const error = new Error();
    sites = error.stack;
  } finally {
    Reflect.set(hooks, "stackTraceLimit", stackTraceLimit);
    Reflect.set(hooks, "prepareStackTrace", prepareStackTrace);
  }
  if (Array.isArray(sites)) {
    return (sites as CallSite[])
      .map((site) => site.getFileName() ?? site.getScriptNameOrSourceURL?.())
      .filter((place) => typeof place === "string");
  }
  return String(sites).split("\n")
    .map(placeOfLine)
    .filter((place) => place !== undefined);
}

// As V8 writes a frame, and as Firefox and Safari do: `name@https://example.org/x.js:1:2`.
function placeOfLine(line: string): string | undefined {
  return (/^\s*at (?:.*? \()?(?:async )?((?:[a-z][a-z0-9+.-]*:|\/).*?)(?::\d+)?(?::\d+)?\)?$/i.exec(line) ??
    /^(?:[^@]*@)?((?:https?|blob|data):.*?)(?: line \d+ > .*?)?(?::\d+)?(?::\d+)?$/.exec(line))?.[1];
}

// What a module imports.

const known: Map<string, string[]> = new Map();
/** Before a name, these mean that the name is declared there, or is a member of something. */
const ELSEWHERE = new Set(["function", "class", "const", "let", "var", "*", "as", ".", "?."]);

/** The full names of the modules that a local module imports or re-exports statically; empty if it cannot be read. */
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
      // The module was loaded, so its name can be resolved, but not by this thread. The search has one place less.
    }
  }
  return modules;
}

/**
 * The full name of the module from which a local module imports this name, if there is only one and the local module declares
 * nothing of that name. Then the local module need not be imported to get the function: its top level may be a program.
 */
export function importOf(module: string, name: string): string | undefined {
  const text = readModule(module);
  if (text === undefined || !text.includes(name)) return undefined;
  const tokens = tokenizeStart(text);
  let found: string | undefined;
  for (let index = 0; index < tokens.length; index++) {
    const token = tokens[index];
    if (token.kind !== "name" || token.text !== "import" || !isPunctuator(tokens[index + 1], "{")) {
      // The name is declared here, or is a member of something: then the module itself must be searched.
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

/** Whether several of these modules, and of those that they import, seem to declare a function or class of that name. */
export function areSeveralNear(modules: readonly string[], name: string): boolean {
  const declaration = RegExp(`\\b(?:function|class|const|let)\\s+${name.replaceAll("$", "\\$")}(?![\\w$])`);
  const near = new Set([...modules, ...modules.flatMap(importsOf)]);
  return [...near].filter((module) => declaration.test(readModule(module) ?? "")).length > 1;
}

/** The specifiers of the import declarations and the re-exports among tokens. */
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
    // `import type { X }` imports nothing when the module runs; `import type from` does.
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
