/**
 * Workers from outside, as the thread that starts them has them: on either runtime a Web Worker that need not keep the program
 * alive, and the number of its thread, by which the system tells when that is gone.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { withoutPrototype } from "../options.ts";
import { isBun, isBunBefore } from "./runtime.ts";
import { threadFiles, workerArguments } from "./this_thread.ts";

/** A running worker, from the side of the thread that started it. */
export interface WorkerHandle {
  /** Sends a message; a `SharedArrayBuffer` in it is shared, and the buffers named go without a copy. */
  post(message: unknown, buffers?: ArrayBuffer[]): void;
  /** Whether the worker keeps the program alive. At first it does. */
  setRef(ref: boolean): void;
  /** Stops it: on Bun at once, on Deno when it next turns its event loop. */
  terminate(): void;
}

/** What the starting thread wants to hear. */
export interface WorkerListener {
  /** A message from the worker. */
  message(data: unknown): void;
  /** The worker could not be loaded, or failed where the library could not see it. */
  error(message: string): void;
  /** The worker is gone. Only Bun tells. */
  close(exitCode: number): void;
}

/** Whether {@linkcode WorkerHandle.terminate} stops code that runs: Bun's does since 1.3.13, V8's workers go on. */
export const TERMINATE_STOPS_CODE: boolean = isBun && !isBunBefore(1, 3, 13);

// Before 1.4 Bun crashes where a worker is terminated that still loads. A thread that is blocked does not hear when it has
// loaded: after so many milliseconds that is taken for granted.
// https://github.com/oven-sh/bun/issues/41022
const LOADING_MS: number = isBunBefore(1, 4, 0) ? 2000 : 0;

type Refable = Worker & { ref?(): void; unref?(): void } & Record<symbol, ((ref: boolean) => void) | undefined>;

// Deno's Web Worker has no unref(), but the method that node:worker_threads uses for its own is on the prototype, under
// a symbol without a name. The alternative, node:worker_threads itself, takes twice as long to start.
// https://github.com/denoland/deno/blob/main/runtime/js/11_workers.js (privateWorkerRef)
const denoRef: symbol | undefined = typeof Worker === "undefined"
  ? undefined
  : Object.getOwnPropertySymbols(Worker.prototype).find((symbol) => !symbol.description);

/** Starts a worker on a module. */
export function startWorker(url: URL, listener: WorkerListener): WorkerHandle {
  // Bun takes the arguments here; others do not look at them. It and Deno take more, also from what a program has added to
  // the prototype of all objects.
  const options: WorkerOptions & { argv?: string[] } = { type: "module", argv: workerArguments() };
  const worker = new Worker(url, withoutPrototype(options)) as Refable;
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

// Whether a thread is gone, asked of the system: on Bun, which stops a worker that another thread terminates, but tells that
// only to a thread that turns its event loop.

/**
 * Calls `start`, which starts a thread, and says which number that thread has; 0 where that cannot be told or is not needed.
 * Quicker than the thread itself, which would have to load all that reading files takes.
 */
export function startSystemThread<T>(start: () => T): { started: T; id: number } {
  const before = threads();
  const started = start();
  // Bun has made the thread when its Worker is there. A thread of the runtime's own may have come at the same time.
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

/** Whether that thread of this process has ended; `undefined`: the system does not tell. */
export function isSystemThreadGone(id: number): boolean | undefined {
  if (id === 0) return undefined;
  const files = threadFiles();
  return files && !files.existsSync(`/proc/self/task/${id}`);
}
