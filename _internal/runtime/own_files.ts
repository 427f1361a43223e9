/**
 * The library's own files with which workers and children begin, or that are loaded when they are needed. They are named
 * here and nowhere else: the package for npm has all modules in chunks, and these as files beside them. tools/pack.ts makes it.
 *
 * @module
 */

/** Whether this is the packed library. tools/pack.ts says so in its copy. */
const IS_PACKED: boolean = false;

/** Where each of these files is, seen from the library's root, without its ending. */
export const OWN_FILES = {
  /** Where a thread's worker begins, on Deno and on Bun. */
  threadOnDeno: "_internal/threads/worker_entry",
  threadOnBun: "_internal/threads/worker_entry_bun",
  /** Where a process begins. */
  process: "_internal/entries/child_entry",
  /** Where the worker begins that sleeps on words of other processes. */
  waiter: "_internal/entries/waiter_entry",
  /** Where the worker begins that ends a process with its parent. */
  parentWatch: "_internal/entries/parent_watch_entry",
  /** What a pool's workers run. */
  poolWorker: "_internal/pool/worker",
  /** All classes that threads and shared objects may arrive as. */
  allClasses: "_internal/entries/whole",
  /** All that a spare worker loads beforehand. */
  allForThreads: "_internal/entries/ready",
  /** What looks for functions by their source. */
  search: "_internal/targets/search",
  /** What starts processes and waits for them. */
  processes: "_internal/processes/start_process",
  /** The processes' memory. */
  processMemory: "_internal/processes/process_memory",
  multiprocessing: "multiprocessing/mod",
} as const;

/** One of the files that are named here. */
export type OwnFile = keyof typeof OWN_FILES;

// A bundler that takes the library into the program's bundle leaves nothing of these files: then this text is somewhere else.
const HERE = IS_PACKED
  ? /\/_internal\/chunk-\w+\.js(?:[?#].*)?$/
  : /\/_internal\/runtime\/own_files\.[a-z]+(?:[?#].*)?$/;

/** Whether this program was bundled, and the library with it: then the files are nowhere. */
export const isBundled: boolean = !HERE.test(import.meta.url ?? "");

// In a bundle nowhere, which is for its use to say.
const ROOT = new URL(IS_PACKED ? "../" : "../../", isBundled ? "file:///bundle/a/b/c" : import.meta.url).href;
const INSIDE = /^(?:_internal\/|sync\/|threading\/|multiprocessing\/|distributed\/|mod\.[jt]s)/;

/** The URL of one of these files. */
export function ownFile(file: OwnFile): URL {
  return new URL(`${OWN_FILES[file]}${IS_PACKED ? ".js" : ".ts"}`, ROOT);
}

const PATH = new URL(ROOT).pathname;

/** Whether a line of a stack is of this library. */
export function isOwnFrame(line: string): boolean {
  const at = line.indexOf(PATH);
  return at !== -1 && INSIDE.test(line.slice(at + PATH.length));
}

/** Whether a module, by its URL, is part of this library. */
export function isOwn(module: string): boolean {
  return module.startsWith(ROOT) && INSIDE.test(module.slice(ROOT.length));
}
