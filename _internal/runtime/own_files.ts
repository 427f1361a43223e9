/**
 * The library's own files with which workers and child processes begin, or that are loaded on demand. They are named only
 * here. In the npm package all modules are in chunks, and these are files beside them: see tools/pack.ts.
 *
 * A bundled or compiled program has no such files. It starts itself instead: see own_entry.ts.
 *
 * @module
 */

import { bun, deno, isNode, nodeProcess } from "./runtime.ts";

/** Whether this is the packed library. tools/pack.ts changes this in its copy. */
const IS_PACKED: boolean = false;

/** The path of each of these files from the library's root, without its extension. */
export const OWN_FILES = {
  /** Where a thread's worker begins on Deno, and on Bun. */
  threadOnDeno: "_internal/threads/worker_entry",
  threadOnBun: "_internal/threads/worker_entry_bun",
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
