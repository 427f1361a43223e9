/**
 * The library's own files with which workers and child processes begin, or that are loaded on demand. They are named only
 * here. In the npm package all modules are in chunks, and these are files beside them: see tools/pack.ts.
 *
 * A bundled or compiled program has no such files. It starts itself instead: see below.
 *
 * @module
 */

import { InvalidStateError } from "../errors.ts";
import { bun, deno, environmentVariable, isBrowser, isNode, later, nodeProcess } from "./runtime.ts";
import { exitProcess, holdMessages, isWorker, setImporting, takeArguments } from "./this_thread.ts";

/** Whether this is the packed library. tools/pack.ts changes this in its copy. */
const IS_PACKED: boolean = false;

/** The path of each of these files from the library's root, without its extension. */
export const OWN_FILES = {
  /** Where a thread's worker begins on Deno, on Bun, and in a browser. */
  threadOnDeno: "_internal/threads/worker_entry",
  threadOnBun: "_internal/threads/worker_entry_bun",
  threadInBrowser: "_internal/threads/worker_entry_browser",
  /** Where a process begins. */
  process: "_internal/entries/child_entry",
  /** Where a worker begins that sleeps on words of the processes' memory. */
  waiter: "_internal/entries/waiter_entry",
  /** Where a worker begins that ends this process with its parent. */
  parentWatch: "_internal/entries/parent_watch_entry",
  /** The function that a pool's workers run. */
  poolWorker: "_internal/pool/worker",
  /** All classes of shared objects, and of threads, that may arrive in a message. */
  allClasses: "_internal/entries/whole",
  /** Everything that a spare worker loads. */
  allForThreads: "_internal/entries/ready",
  /** The search for functions by their source. */
  search: "_internal/targets/search",
  /** The code that starts processes and waits for them. */
  processes: "_internal/processes/start_process",
  /** The processes' memory. */
  processMemory: "_internal/processes/process_memory",
  multiprocessing: "multiprocessing/mod",
} as const;

/** The name of one of these files. */
export type OwnFile = keyof typeof OWN_FILES;

// If a bundler puts the library into the program's bundle, these files do not exist, and this module has another URL.
const HERE = IS_PACKED
  ? /\/_internal\/chunk-\w+\.js(?:[?#].*)?$/
  : /\/_internal\/runtime\/own_files\.[a-z]+(?:[?#].*)?$/;

/** Whether the runtime is part of the program's single file. Then no program but this one can be started with it. */
export const isCompiled: boolean = deno !== undefined
  ? deno.build.standalone === true
  : isNode
  ? (nodeProcess().getBuiltinModule("node:sea") as { isSea(): boolean } | undefined)?.isSea() === true
  : bun?.isStandaloneExecutable === true || /^(?:\/\$bunfs\/|[a-z]:[\\/]~BUN)/i.test(bun?.main ?? "");

// webpack writes the URL of the source into the bundle.
declare const __webpack_require__: unknown;

/**
 * Whether the library is part of a bundle or of a compiled program. Then no worker and no process can begin with one of these
 * files: in a bundle they do not exist, and a compiled program always begins with its own main module.
 */
export const isBundled: boolean = isCompiled || typeof __webpack_require__ !== "undefined" ||
  !HERE.test(import.meta.url ?? "");

// In a bundle this leads nowhere. The functions that start something check for that: see requireOwnModules() in modules.ts.
const ROOT = new URL(IS_PACKED ? "../" : "../../", isBundled ? "file:///bundle/a/b/c" : import.meta.url).href;
const INSIDE = /^(?:_internal\/|sync\/|threading\/|multiprocessing\/|distributed\/|mod\.[jt]s)/;

/** The URL of one of these files. */
export function ownFile(file: OwnFile): URL {
  return new URL(`${OWN_FILES[file]}${IS_PACKED ? ".js" : ".ts"}`, ROOT);
}

const PATH = new URL(ROOT).pathname;

/** Whether a line of a stack is from this library. */
export function isOwnFrame(line: string): boolean {
  const at = line.indexOf(PATH);
  return at !== -1 && INSIDE.test(line.slice(at + PATH.length));
}

/** Whether a module, by its URL, is part of this library. */
export function isOwn(module: string): boolean {
  return module.startsWith(ROOT) && INSIDE.test(module.slice(ROOT.length));
}

// How a bundled or compiled program starts itself.
//
// No file of the library exists there with which a worker or a child process
// could begin. So it begins with the program's main module, which calls `freezeSupport()` first. That call runs the thread or
// process, and never settles: the main part of the program runs in the first process only.
//
// A worker is told by its arguments (Bun and Node) or its name (Deno) what it is to become, a process by the environment variable
// that every child has. Both are read when the library is loaded. From then on until `freezeSupport()` is called, nothing can be
// started and no shared memory joined, so that nothing multiplies if the main part runs by mistake.

/** The environment variable that tells a child its record, its parent's lifeline, and where the region is. */
export const VARIABLE = "WEFT_PROCESS";

/** What a thread or process that the program has started is to become. */
interface Role {
  /** The file with which it would begin if there were one. */
  readonly file: OwnFile;
  /** The program's main module. */
  readonly main: string | undefined;
}

/** How many milliseconds a thread or process may take until it calls `freezeSupport()`. */
const PATIENCE = 10_000;
/** How many milliseconds it may take from there until it awaits the call. */
const AWAIT = 500;

/** The role of this thread or process, until it takes it up. */
let role: Role | undefined;
let callOff: (() => void) | undefined;
/** The main module, once this thread may start others. */
let begun: { readonly main: string } | undefined;
let modules: ReadonlyMap<string, object> = new Map();

if (isBundled) {
  role = readRole();
  if (role !== undefined) prepare(role);
}

function readRole(): Role | undefined {
  // A bundle does not start itself there.
  if (isBrowser) return undefined;
  if (!isWorker()) {
    return environmentVariable(VARIABLE) === undefined ? undefined : { file: "process", main: undefined };
  }
  const mark = deno === undefined ? nodeProcess().argv[2] : (globalThis as { name?: string }).name;
  const [, file, main] = /^weft:(\w+) (.+)$/.exec(mark ?? "") ?? [];
  return file !== undefined && Object.hasOwn(OWN_FILES, file) ? { file: file as OwnFile, main } : undefined;
}

function prepare({ file }: Role): void {
  const isProcess = file === "process";
  if (!isProcess) {
    if (deno === undefined) {
      nodeProcess().argv.splice(2, 1);
      takeArguments();
    } else {
      (globalThis as { name?: string }).name = "";
    }
    // The first of them may arrive while the main module is still being loaded.
    holdMessages();
  }
  setImporting(
    `the program was started again for a ${
      isProcess ? "process" : "thread"
    }, which has not called freezeSupport() yet,`,
    "put the main part of the program behind await freezeSupport({ … })",
  );
  failLater(`has not called freezeSupport() after ${PATIENCE / 1000} s: await it first`, PATIENCE);
}

/** Ends this thread or process with an error, unless it begins before. */
function failLater(why: string, ms: number): void {
  const isProcess = role?.file === "process";
  callOff?.();
  callOff = later(() => {
    const message = `Cannot begin with a ${isProcess ? "process" : "thread"} as the main module of the program ${why}`;
    if (!isProcess) throw new InvalidStateError(message);
    console.error(message);
    exitProcess(1);
  }, ms);
}

/** Whether the program was started again for a thread or process, and has not begun with it. */
export function hasRole(): boolean {
  return role !== undefined;
}

/** Notes that the main module has called `freezeSupport()`, and must await it. */
export function expectAwait(): void {
  failLater("has called freezeSupport() without await: put await before it", AWAIT);
}

/** Whether this thread may start others: whether `freezeSupport()` was called in it. */
export function hasBegun(): boolean {
  return begun !== undefined;
}

/** Throws if this thread of a bundled program was started for a thread or process and has not begun with it. */
export function requireBegun(): void {
  if (role === undefined) return;
  throw new InvalidStateError(
    "Cannot use shared memory as the program was started again for a thread or process: call freezeSupport() before",
  );
}

/**
 * Lets this thread start others. Returns as what it has to go on, if it was started for a thread or process.
 *
 * @param main The main module of the program, if this is its main thread.
 * @param ofLibrary The exports of the library's files, and of other modules that exist only in the bundle, by their URLs.
 */
export function begin(main: string | undefined, ofLibrary: ReadonlyMap<string, object>): OwnFile | undefined {
  const taken = role;
  role = undefined;
  callOff?.();
  setImporting(undefined, undefined);
  modules = ofLibrary;
  // A worker that the program itself has made knows its own module, as the main one of the threads that it starts.
  begun = { main: taken?.main ?? main ?? (globalThis as { location?: { href: string } }).location?.href ?? "" };
  return taken?.file;
}

/** The exports of a module that exists only in the bundle. */
export function ownModule(module: string): Record<string, unknown> | undefined {
  return modules.get(module) as Record<string, unknown> | undefined;
}

/**
 * Imports one of the library's files. Its name is not written into an `import()`: otherwise Deno would resolve all these modules
 * at the start of each thread, and not every thread needs them. A thread that starts threads has them in its graph.
 */
export async function importOwn(file: OwnFile): Promise<object> {
  const { href } = ownFile(file);
  return isBundled ? modules.get(href) ?? {} : await import(href);
}

/** A worker that begins with the program's main module. */
interface OwnWorker {
  readonly url: string;
  /** What tells it which of the library's files it stands for. */
  readonly mark: string;
}

/** In a bundled or compiled program: the worker that stands for a worker that begins with one of the library's files. */
export function ownWorker({ href }: URL): OwnWorker | undefined {
  if (begun === undefined) return undefined;
  const file = (Object.keys(OWN_FILES) as OwnFile[]).find((each) => ownFile(each).href === href);
  return file && { url: begun.main, mark: `weft:${file} ${begun.main}` };
}

/** The module with which a child process begins; `undefined` in a compiled program, which has no choice. */
export function processEntry(): string | undefined {
  if (isCompiled) return undefined;
  return begun?.main ?? ownFile("process").href;
}
