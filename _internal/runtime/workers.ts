/**
 * Workers, from the side of the thread that starts them: a Web Worker, or one of Node's, that need not keep the program alive, and
 * the number of its thread, by which the system can tell whether that thread is gone.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { withoutPrototype } from "../options.ts";
import { startInBrowser } from "./browser_workers.ts";
import { ownWorker } from "./own_files.ts";
import { isBrowser, isBun, isBunBefore, isNode, nodeProcess } from "./runtime.ts";
import { threadFiles, workerArguments } from "./this_thread.ts";
import type { WorkerHandle, WorkerListener } from "./worker_handle.ts";
import { isLifeOver, lastWorkerId } from "./worker_life.ts";

export type { WorkerHandle, WorkerListener };

// Before 1.4, Bun crashes if a worker is terminated while it loads. A blocked thread gets no event when a worker has loaded, so
// the worker is taken for loaded after this many milliseconds.
// https://github.com/oven-sh/bun/issues/41022
const LOADING_MS: number = isBunBefore(1, 4, 0) ? 2000 : 0;

type Refable = Worker & { ref?(): void; unref?(): void } & Record<symbol, ((ref: boolean) => void) | undefined>;

// Deno's Web Worker has no unref(). But the method that node:worker_threads uses for that is on its prototype, under a symbol
// without a name. The alternative, a worker of node:worker_threads, takes twice as long to start.
// https://github.com/denoland/deno/blob/main/runtime/js/11_workers.js (privateWorkerRef)
const denoRef: symbol | undefined = typeof Worker === "undefined"
  ? undefined
  : Object.getOwnPropertySymbols(Worker.prototype).find((symbol) => !symbol.description);

/** The part of `node:worker_threads` that starts workers. */
interface NodeThreads {
  readonly Worker: new (url: URL, options: Record<string, unknown>) => NodeWorker;
  readonly SHARE_ENV: symbol;
}

interface NodeWorker {
  postMessage(message: unknown, buffers: ArrayBuffer[]): void;
  ref(): void;
  unref(): void;
  terminate(): unknown;
  on(event: "message", listener: (data: unknown) => void): void;
  on(event: "error", listener: (error: unknown) => void): void;
  on(event: "exit", listener: (code: number) => void): void;
}

function startOnNode(url: URL, listener: WorkerListener): WorkerHandle {
  const process = nodeProcess();
  const { Worker, SHARE_ENV } = process.getBuiltinModule("node:worker_threads") as NodeThreads;
  const own = ownWorker(url);
  const argv = own === undefined ? workerArguments() : [own.mark, ...workerArguments() ?? []];
  const options: Record<string, unknown> = { argv, env: SHARE_ENV };
  // A worker takes the flags of the program. This one is for the program's text only.
  if (process.execArgv.some(isInputType)) options.execArgv = process.execArgv.filter((flag) => !isInputType(flag));
  const worker = new Worker(own === undefined ? url : new URL(own.url), withoutPrototype(options));
  worker.on("message", (data) => listener.message(data));
  worker.on("error", (error) => listener.error(error instanceof Error ? error.message : String(error)));
  worker.on("exit", (code) => listener.close(code));
  return {
    post: (message, buffers = []): void => worker.postMessage(message, buffers),
    setRef: (ref): void => ref ? worker.ref() : worker.unref(),
    terminate: (): void => void worker.terminate(),
  };
}

function isInputType(flag: string): boolean {
  return flag.startsWith("--input-type=");
}

/** Starts a worker on a module. */
export function startWorker(url: URL, listener: WorkerListener): WorkerHandle {
  if (isNode) return startOnNode(url, listener);
  if (isBrowser) return startInBrowser(url, listener);
  // Bun takes `argv`; other runtimes ignore it. Bun and Deno would also read options that a program has added to the prototype
  // of all objects.
  const options: WorkerOptions & { argv?: string[] } = { type: "module", argv: workerArguments() };
  const own = ownWorker(url);
  if (own !== undefined) {
    if (isBun) options.argv = [own.mark, ...options.argv ?? []];
    else options.name = own.mark;
  }
  const worker = new Worker(own?.url ?? url, withoutPrototype(options)) as Refable;
  worker.onmessage = (event): void => listener.message(event.data);
  worker.onerror = (event): void => {
    event.preventDefault();
    listener.error(event.message);
  };
  worker.addEventListener("close", (event) => listener.close((event as CloseEvent).code));
  let referenced = true;
  let loadedBy = LOADING_MS === 0 ? 0 : now() + LOADING_MS;
  let isUnwanted = false;
  if (LOADING_MS > 0) {
    worker.addEventListener("open", () => {
      loadedBy = 0;
      if (isUnwanted) worker.terminate();
    });
  }
  return {
    post: (message, buffers = []): void => worker.postMessage(message, buffers),
    setRef: (ref): void => {
      if (ref === referenced) return;
      referenced = ref;
      if (worker.unref !== undefined) {
        if (ref) worker.ref?.();
        else worker.unref();
      } else if (denoRef !== undefined) {
        worker[denoRef]?.(ref);
      }
    },
    terminate: (): void => {
      if (loadedBy > 0 && now() < loadedBy) isUnwanted = true;
      else worker.terminate();
    },
  };
}

// Whether a thread is gone, according to the system. Needed on Bun and Node: they stop a worker that was terminated, but report
// that only to a starter whose event loop turns.

/**
 * Calls `start`, which starts a thread, and returns the number of that thread in the system; 0 if it is unknown or not needed.
 * This is faster than to ask in the thread itself, which would have to load the modules that read files.
 */
export function startSystemThread<T>(start: () => T): { started: T; id: number } {
  if (isBrowser) return { started: start(), id: lastWorkerId() };
  const before = threads();
  const started = start();
  // The runtime has created the thread when `new Worker` returns. It may have created a thread of its own at the same time.
  const fresh = before === undefined ? [] : threads()?.filter((id) => !before.includes(id)) ?? [];
  return { started, id: fresh.length === 1 ? Number(fresh[0]) : 0 };
}

function threads(): string[] | undefined {
  try {
    return threadFiles()?.readdirSync("/proc/self/task");
  } catch {
    return undefined;
  }
}

/** Whether a thread of this process, by its number, has ended; `undefined` if the system does not tell. */
export function isSystemThreadGone(id: number): boolean | undefined {
  if (id === 0) return undefined;
  if (isBrowser) return isLifeOver(id);
  const files = threadFiles();
  return files && !files.existsSync(`/proc/self/task/${id}`);
}
