/**
 * Workers of either runtime as one thing: a Web Worker that need not keep the program alive.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { withoutPrototype } from "../options.ts";
import { isBun, isBunBefore, nodeProcess } from "./runtime.ts";

/** A running worker, from the side of the thread that started it. */
export interface WorkerHandle {
  /** Sends a message; a `SharedArrayBuffer` in it is shared. */
  post(message: unknown): void;
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

// Before 1.4 Bun crashes where a worker is terminated that still loads. Who is blocked does not hear when it has: after so
// many milliseconds that is taken for granted.
// https://github.com/oven-sh/bun/issues/41022
const LOADING: number = isBunBefore(1, 4, 0) ? 2000 : 0;

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
  let loadedBy = LOADING === 0 ? 0 : now() + LOADING;
  let isUnwanted = false;
  if (LOADING > 0) {
    worker.addEventListener("open", () => {
      loadedBy = 0;
      if (isUnwanted) worker.terminate();
    });
  }
  return {
    post: (message): void => worker.postMessage(message),
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

/** In a worker: says what is done with messages from the thread that started it. */
export function onParentMessage(receive: (data: unknown) => void): void {
  (globalThis as unknown as Worker).onmessage = (event: MessageEvent): void => receive(event.data);
}

/** In a worker: sends a message to the thread that started it. */
export function postToParent(message: unknown): void {
  (globalThis as unknown as Worker).postMessage(message);
}

/** Whether this module graph runs in a Web Worker and not in the main thread. */
export function isWorker(): boolean {
  return typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === "function" ||
    (globalThis as { Bun?: { isMainThread: boolean } }).Bun?.isMainThread === false;
}

// What the program was called with.

const { Deno, Bun } = globalThis as unknown as { Deno?: { args: string[] }; Bun: { main: string } };

/** Whether `argv[1]` is the main module although the runtime was started on another. */
let isSet = false;

function argv(): string[] {
  return (nodeProcess() as unknown as { argv: string[] }).argv;
}

/** The program's arguments, behind its main module. */
export function programArguments(): string[] {
  if (Deno !== undefined) return [...Deno.args];
  const all = argv();
  // `bun -e` has no module there.
  return all.slice(isBun && !isSet && all[1] !== Bun.main ? 1 : 2);
}

/** What a worker that is started here is told so that {@linkcode takeArguments} finds it. */
export function workerArguments(): string[] | undefined {
  if (!isBun) return undefined;
  const all = programArguments();
  return [isSet || argv()[1] === Bun.main ? argv()[1] : Bun.main, ...all];
}

/**
 * In a worker of Bun, which has what it was told behind its own module: puts the program's main module in place of that.
 * Deno's workers have the program's arguments by themselves.
 */
export function takeArguments(): void {
  if (!isBun) return;
  argv().splice(1, 1);
  isSet = true;
}

/** In a child: its own main module is the library's, and the program's is `main`. */
export function setMainArgument(main: string | undefined): void {
  if (main === undefined) return;
  isSet = true;
  const { fileURLToPath } = nodeProcess().getBuiltinModule("node:url") as { fileURLToPath(url: string): string };
  argv()[1] = main.startsWith("file:") ? fileURLToPath(main) : main;
}

// Whether a thread is gone, asked of the system: on Bun, which stops a worker that another thread terminates, but tells
// only who turns its event loop.

interface Files {
  readdirSync(path: string): string[];
  readlinkSync(path: string): string;
  existsSync(path: string): boolean;
}

let loaded: Files | undefined;

// Only where it is needed: it takes a worker longer to load than all of the library's own modules.
function files(): Files | undefined {
  if (isBun) loaded ??= nodeProcess().getBuiltinModule("node:fs") as Files;
  return loaded;
}

/** The number that Linux has for the calling thread; 0 on other systems, and where nobody needs it. */
export function systemThreadId(): number {
  try {
    return Number(files()?.readlinkSync("/proc/thread-self").split("/").at(-1) ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Calls `start`, which starts a thread, and says which number that thread has; 0 where that cannot be told or nobody
 * needs it. Quicker than the thread can say it, which would have to load all that files take.
 */
export function startSystemThread<T>(start: () => T): { started: T; id: number } {
  const before = threads();
  const started = start();
  // Bun has made the thread when its Worker is there. One of its own may have come at the same time.
  const fresh = before === undefined ? [] : threads()?.filter((id) => !before.includes(id)) ?? [];
  return { started, id: fresh.length === 1 ? Number(fresh[0]) : 0 };
}

function threads(): string[] | undefined {
  try {
    return files()?.readdirSync("/proc/self/task");
  } catch {
    return undefined;
  }
}

/** Whether that thread of this process has ended; `undefined`: the system does not tell. */
export function isSystemThreadGone(id: number): boolean | undefined {
  return id === 0 || files() === undefined ? undefined : !files()!.existsSync(`/proc/self/task/${id}`);
}
