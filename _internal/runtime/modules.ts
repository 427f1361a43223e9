/**
 * Modules, on each of the runtimes: whether the library's own modules exist as files, which module is the program's main one, what
 * a loaded module exports, what its text is, and how it is imported by its full name.
 *
 * A full name is a URL, or the name of a package together with the module that imports it: see below.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { bun, deno, isBrowser, isBun, isNode, mayBlock, nodeProcess } from "./runtime.ts";
import { hasBegun, isBundled, isCompiled, ownModule } from "./own_files.ts";
import { isExiting, mainPath } from "./this_thread.ts";

/** The exports of a module. */
export type Exports = Record<string, unknown>;

/** The second argument of `import()`. */
export interface ImportCallOptions {
  with?: Record<string, string>;
}

interface NodeModule {
  stripTypeScriptTypes?(source: string, options: { mode: "strip" | "transform" }): string;
  readonly _cache: Record<string, unknown>;
  createRequire(path: string): (path: string) => Exports;
}

function nodeModule(): NodeModule {
  return nodeProcess().getBuiltinModule("node:module") as NodeModule;
}

// Whether workers and child processes can begin. In a bundle the library's modules do not exist as files, and neither do the
// program's modules, in which functions are searched for. A program that was compiled to a single file is its own runtime: a
// child process runs the whole program again. Both work if the program calls freezeSupport(): see own_files.ts.

/** Throws if no worker and no process can begin. */
export function requireOwnModules(action: string): void {
  if (!isBundled) return;
  if (isBrowser) {
    throw new NotSupportedError(
      `Cannot ${action} as this library is in a bundle, while threads begin with modules of its own: leave it out of the bundle, and serve its folder beside it`,
    );
  }
  if (hasBegun()) return;
  throw new NotSupportedError(
    isCompiled
      ? `Cannot ${action} as the program is compiled to a single file, which a worker or child would run from its beginning: ${GUARD}`
      : `Cannot ${action} as this library is in a bundle, while threads and processes begin with modules of its own: leave it out, with --external "@weft/concurrent/*" or what the bundler has for that, or ${GUARD}`,
  );
}

const GUARD = "begin the main module with await freezeSupport({ … }), with the functions that they run";

// The main module, which may be a text instead of a file.

/** The main module of this thread, if the runtime tells. */
export function mainModule(): string | undefined {
  if (deno !== undefined) return deno.mainModule;
  if (isBrowser) return undefined;
  const main = mainPath();
  return main === undefined ? undefined : urlOfPlace(main);
}

// The names that the runtimes have for a text that is typed, or given as an argument or on standard input: `deno eval`, `bun -e`,
// `bun -`, `node -e`, notebooks.
const TYPED_IN = /\/(?:\$deno\$(?:eval|stdin|repl|jupyter)[^/]*|(?:\[|%5B)(?:eval\d*|stdin|repl)(?:\]|%5D))(?:[?#]|$)/;
const PROMPT = /\/\$deno\$(?:repl|jupyter)[^/]*$/;

// The scripts that stand in a page itself have its address, without what follows "#".
function page(): string | undefined {
  return isBrowser ? (globalThis as { document?: { URL?: string } }).document?.URL?.split("#")[0] : undefined;
}

/** Whether a module is a text that the program was given instead of a file, so that no worker can import it. */
export function isTypedIn(module: string): boolean {
  return TYPED_IN.test(module) || module === page();
}

/** The name of the text that this program is; `undefined` if it is a file. */
export function typedInMain(): string | undefined {
  if (isBrowser) return page();
  const main = bun?.main === "" ? urlOfPlace(`${nodeProcess().cwd()}/[repl]`) : mainModule();
  return main !== undefined && isTypedIn(main) ? main : undefined;
}

/** Whether this thread runs lines that are typed at a prompt or in a notebook. */
export function isPrompt(): boolean {
  return PROMPT.test(deno?.mainModule ?? "");
}

// URLs and paths.

/** The URL of a module, from its URL or its path as a stack or the runtime writes it. Either may end with a query. */
export function urlOfPlace(place: string): string | undefined {
  if (/^(?:file|https?|data|blob|jsr|npm):/.test(place)) return place;
  if (!place.startsWith("/") && !/^[a-z]:[\\/]/i.test(place)) return undefined;
  const [path, query] = split(place, "?");
  const escaped = path.replace(/\\/g, "/").replace(/%/g, "%25").replace(/#/g, "%23").replace(/\n/g, "%0A")
    .replace(/\r/g, "%0D").replace(/\t/g, "%09");
  return new URL(`file://${escaped.startsWith("/") ? "" : "/"}${escaped}${query}`).href;
}

function split(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator);
  return index === -1 ? [text, ""] : [text.slice(0, index), text.slice(index)];
}

// The keys of Bun's registry of modules are paths.
function pathOnBun(module: string): string | undefined {
  if (!module.startsWith("file:")) return undefined;
  const url = new URL(module);
  return bun!.fileURLToPath(new URL(url.pathname, "file:///")) + url.search;
}

// The file of a local module, without the query and hash of its URL.
function fileOf(module: string): URL | undefined {
  if (!module.startsWith("file:")) return undefined;
  const url = new URL(module);
  url.search = "";
  url.hash = "";
  return url;
}

// The exports of loaded modules.

/** Whether the runtime tells which modules are loaded. */
export const TELLS_LOADED: boolean = isBun;

let requireLoaded: ((path: string) => Exports) | undefined;

/**
 * The exports of a module that is known to be loaded, synchronously; else `undefined`. Only Bun tells that a module is loaded,
 * and not for modules with an `await` at their top level. Never loads anything.
 */
export function loadedExports(module: string): Exports | undefined {
  if (!isBun) return undefined;
  const path = pathOnBun(module);
  if (path === undefined) return undefined;
  try {
    const { _cache, createRequire } = nodeModule();
    if (!(path in _cache)) return undefined;
    requireLoaded ??= createRequire(import.meta.url);
    return requireLoaded(path);
  } catch {
    return undefined;
  }
}

const urls: Map<string, string> = new Map();

/** The URLs of the modules that are known to be loaded: see {@linkcode loadedExports}. */
export function loadedModules(): string[] {
  if (!isBun) return [];
  const modules: string[] = [];
  for (const path of Object.keys(nodeModule()._cache)) {
    let module = urls.get(path);
    if (module === undefined) urls.set(path, module = urlOfPlace(path) ?? "");
    if (module !== "") modules.push(module);
  }
  return modules;
}

/** The exports of a module of the runtime, for example `node:path`, if the program has loaded it. */
export function builtinExports(module: string): Exports | undefined {
  return isBrowser ? undefined : nodeProcess().getBuiltinModule(module) as Exports | undefined;
}

// The texts of modules.

/** Texts of modules that this process may not be allowed to read. */
const given: Map<string, string> = new Map();

/** Adds texts of modules that this process may not be allowed to read. */
export function giveTexts(texts: Readonly<Record<string, string>>): void {
  for (const [module, text] of Object.entries(texts)) given.set(module, text);
}

/** The text of a local module, if this program may read it or {@linkcode giveTexts} has added it. Never asks for permission. */
export function readModule(module: string): string | undefined {
  const text = given.get(module);
  if (text !== undefined) return text;
  if (isBrowser) return download(module);
  const file = fileOf(module);
  if (file === undefined) return undefined;
  try {
    if (deno !== undefined) {
      return deno.permissions.querySync({ name: "read", path: file }).state === "granted"
        ? deno.readTextFileSync(file)
        : undefined;
    }
    const fs = nodeProcess().getBuiltinModule("node:fs") as { readFileSync(path: URL, encoding: string): string };
    return fs.readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

declare const XMLHttpRequest: new () => {
  readonly status: number;
  readonly responseText: string;
  open(method: string, url: string, isAsync: boolean): void;
  send(): void;
};

const downloaded: Map<string, string | undefined> = new Map();

// In a worker of a browser, which has the module in its cache or is about to load it anyway. A page must not block for it.
function download(module: string): string | undefined {
  if (mayBlock && /^https?:/.test(module) && !downloaded.has(module)) {
    downloaded.set(module, undefined);
    try {
      const request = new XMLHttpRequest();
      request.open("GET", module, false);
      request.send();
      if (request.status === 200) downloaded.set(module, request.responseText);
    } catch {
      // The network is gone, or the server is another one and does not allow it.
    }
  }
  return downloaded.get(module);
}

const readable: Set<string> = new Set();

/**
 * Throws if workers lack the permission to read a local module, which they need in order to import it. The user is not asked
 * for it: the prompt of a worker would come while the thread that has to answer it may be blocked.
 *
 * @throws {Deno.errors.NotCapable} If the permission is not granted.
 */
export function requireReadable(module: string, action: string): void {
  if (deno === undefined || readable.has(module)) return;
  const file = fileOf(module);
  if (file === undefined) return;
  if (deno.permissions.querySync({ name: "read", path: file }).state === "granted") {
    readable.add(module);
    return;
  }
  throw new deno.errors.NotCapable(
    `${action} as its module is imported again: requires read access to ${module}, run again with the --allow-read flag`,
  );
}

function loaderOf(module: string): string {
  const extension = /\.([cm]?[jt]s|[jt]sx)$/.exec(new URL(module).pathname)?.[1] ?? "js";
  return extension.replace(/^[cm]/, "");
}

/** JavaScript that is close to what the runtime makes of a module's text; `undefined` if it cannot be made. */
export function toJavaScript(text: string, module: string): string | undefined {
  const loader = loaderOf(module);
  try {
    if (bun !== undefined) return new bun.Transpiler({ loader, target: "bun" }).transformSync(text);
    // What a server sends to a browser is JavaScript, whatever its name.
    if (loader === "js" || isBrowser) return text;
    // Node runs what is left when the types are gone, and has no other mode.
    return nodeModule().stripTypeScriptTypes?.(text, { mode: isNode ? "strip" : "transform" });
  } catch {
    return undefined;
  }
}

/** The modules that a text imports statically; `undefined` if the runtime does not tell. */
export function scanImports(text: string, module: string): string[] | undefined {
  if (bun === undefined) return undefined;
  try {
    return new bun.Transpiler({ loader: loaderOf(module) }).scanImports(text)
      .filter(({ kind }) => kind === "import-statement").map(({ path }) => path);
  } catch {
    return undefined;
  }
}

// Full names, and imports by them.
//
// The name of a package, or an alias, has a meaning only for the module that imports it: it depends on the import map of that
// module's workspace member, or on the `node_modules` beside it. On Deno and Node, only an `import()` in that module can resolve
// it. So the full name contains the module too: `"acorn" of file:///x.ts`.

/** A name and the module that imports it. */
interface BareName {
  readonly specifier: string;
  readonly module: string;
}

function readBareName(name: string): BareName | undefined {
  const [, specifier, module] = /^("(?:[^"\\]|\\.)*") of (.+)$/.exec(name) ?? [];
  return module === undefined ? undefined : { specifier: JSON.parse(specifier), module };
}

/** The full name of a module that another module imports. Throws on Bun if there is no such module. */
export function resolveImport(specifier: string, module: string): string {
  if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, module).href;
  if (URL.canParse(specifier)) return specifier;
  if (bun === undefined) return `${JSON.stringify(specifier)} of ${module}`;
  const folder = pathOnBun(new URL(".", module).href) ?? ".";
  const resolved = bun.resolveSync(specifier, folder);
  return urlOfPlace(resolved) ?? resolved;
}

/**
 * The URL of a module by its full name; `undefined` if this thread cannot tell. A package is resolved as if this library
 * imported it. That gives the same URL if both have the same import map: good enough to read the module, but not to import it.
 */
export function urlOfModule(module: string): string | undefined {
  const bare = readBareName(module);
  if (bare === undefined) return module;
  try {
    return import.meta.resolve(bare.specifier);
  } catch {
    return undefined;
  }
}

/** Imports a module by its full name. */
export async function importModule(module: string, options?: ImportCallOptions): Promise<Exports> {
  const own = isBundled ? ownModule(module) : undefined;
  if (own !== undefined) return own;
  // Bun ignores the query of a URL, and would not know which of two modules is meant. It does not ignore the query of a path.
  const name = isBun && module.startsWith("file:") && module.includes("?") ? pathOnBun(module)! : module;
  const bare = readBareName(module);
  const exports = bare !== undefined
    ? await importerOf(bare.module)(bare.specifier, options)
    : options === undefined
    ? await import(name)
    : await import(name, options);
  // Deno stops a worker that exits when its code next makes a call into the runtime. A module that makes none finishes its import,
  // and only a turn of the event loop stops the code that awaits it.
  if (isExiting()) await new Promise(() => {});
  return exports;
}

type Import = (specifier: string, options?: ImportCallOptions) => Promise<Exports>;

interface VM {
  readonly constants?: { readonly USE_MAIN_CONTEXT_DEFAULT_LOADER?: symbol };
  runInThisContext(code: string, options: { filename: string; importModuleDynamically?: symbol }): unknown;
}

const importers: Map<string, Import> = new Map();

// Imports a package as the given module would: with the import() of a script that has the URL of that module.
function importerOf(module: string): Import {
  if (isBrowser) return bareImport;
  let load = importers.get(module);
  if (load === undefined) {
    const vm = nodeProcess().getBuiltinModule("node:vm") as VM;
    const loader = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
    const code = "(specifier, options) => options === undefined ? import(specifier) : import(specifier, options)";
    load = vm.runInThisContext(code, { filename: module, importModuleDynamically: loader }) as Import;
    importers.set(module, load);
  }
  return load;
}

// In a worker of a browser this fails with the browser's error: see explain() in targets/resolve.ts.
const bareImport: Import = (specifier) => import(specifier);

/** What does not parse and where, if the runtime says so in this error; `undefined` for any other error. */
export function syntaxError(error: unknown): string | undefined {
  const { name, message, code, position, errors, stack } = error as Record<string, unknown>;
  // Bun throws an AggregateError if there are several errors.
  if (isBun && name === "AggregateError" && Array.isArray(errors)) return syntaxError(errors[0]);
  if (isBun && name === "BuildMessage") {
    const at = position as { file: string; line: number; column: number } | null;
    return at === null ? String(message) : `${message} at ${urlOfPlace(at.file) ?? at.file}:${at.line}:${at.column}`;
  }
  if (isNode) return name === "SyntaxError" ? syntaxErrorOnNode(String(message), code, String(stack)) : undefined;
  // Deno reports a missing module, and the syntax error only in the message.
  return code === "ERR_MODULE_NOT_FOUND" && /^SyntaxError: /.test(String(message)) ? String(message) : undefined;
}

// Where types are stripped, the stack begins with the place, `/folder/file.ts:2`, lines of text, and a line with a mark under
// the fault. Elsewhere Node tells no place. An error of code that parses texts while it runs has another stack.
function syntaxErrorOnNode(message: string, code: unknown, stack: string): string | undefined {
  if (code !== "ERR_INVALID_TYPESCRIPT_SYNTAX" && code !== "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") {
    return stack.includes("at compileSourceTextModule (node:internal/") ? message : undefined;
  }
  const [, path, line, before] = /^(.+):(\d+)\n(?:.*\n){0,3}?( *)\^/.exec(stack) ?? [];
  return path === undefined ? message : `${message} at ${urlOfPlace(path) ?? path}:${line}:${before!.length + 1}`;
}
