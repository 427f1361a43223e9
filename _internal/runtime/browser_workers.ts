/**
 * Workers of a browser. A browser loads the worker of a worker in the event loop of that worker, so a thread that is blocked could
 * not start another. So the page starts all workers, and a worker asks the page: `start` with a port, which connects it with the
 * new worker, and `stop`. A worker that the program started itself, and that starts threads, takes the part of the page for these.
 *
 * ```text
 *   page ──new Worker──▶ A        page ──new Worker──▶ B, whose starter is A
 *        ◀──── start B ── A       A ◀──────── port ─────▶ B
 * ```
 *
 * @module
 */

import { store } from "../atomics.ts";
import { withoutPrototype } from "../options.ts";
import type { WorkerHandle, WorkerListener } from "./worker_handle.ts";
import {
  beginLife,
  forgetLife,
  isOwnWorker,
  lastWorkerId,
  nextWorkerName,
  setLifeWord,
  whenLifeEnds,
} from "./worker_life.ts";

/** What a worker and the page say to each other, beside the messages of the worker and its starter. */
type Notice =
  /** Of a worker that has begun, so that its end can be noticed. */
  | { weft: "begun" }
  /** Of a worker that has ended and is to be stopped. A worker cannot close itself in the middle of its code. */
  | { weft: "exited" }
  /** Of a worker that starts another. `gone` becomes 1 when the other runs no more code, which a blocked starter can read. */
  | { weft: "start"; id: number; name: string; url: string; port: MessagePort; gone: Int32Array }
  /** Of a worker that stops another. */
  | { weft: "stop"; id: number }
  /** To a worker: its starter is another worker, at the other end of this port. */
  | { weft: "port"; port: MessagePort }
  /** To a worker: what it started could not be loaded, or failed. */
  | { weft: "failed"; id: number; message: string }
  /** To a worker: what it started runs no more code. */
  | { weft: "gone"; id: number; exitCode: number };

interface Scope {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
}

const scope = globalThis as unknown as Scope;

function isNotice(data: unknown): data is Notice {
  return typeof data === "object" && data !== null && Object.hasOwn(data, "weft");
}

// In the page.

/** A worker that this page has started, for itself or for another worker. */
interface Owned {
  readonly worker: Worker;
  /** The number of the worker that asked for it; 0: the page itself. */
  readonly starter: number;
  /** Whether the worker exited in order. */
  exited: boolean;
  /** Begins to wait for the end of the worker, once. */
  watch(): void;
}

/** What the page does when a worker sends a message, fails, and is gone. */
interface Hearing {
  message(data: unknown): void;
  error(message: string): void;
  gone(exitCode: number): void;
}

const owned: Map<number, Owned> = new Map();

function open(url: string | URL, name: string, id: number, starter: number, hearing: Hearing): Worker {
  const worker = new Worker(url, withoutPrototype<WorkerOptions>({ type: "module", name }));
  let watched = false;
  const own: Owned = {
    worker,
    starter,
    exited: false,
    watch(): void {
      if (watched) return;
      watched = true;
      whenLifeEnds(id, () => {
        owned.delete(id);
        hearing.gone(own.exited ? 0 : 1);
        // What it had started ends with it.
        for (const [other, { starter }] of owned) if (starter === id) stop(other);
      });
    },
  };
  owned.set(id, own);
  worker.onmessage = ({ data }: MessageEvent): void => {
    if (!isNotice(data)) hearing.message(data);
    else if (data.weft === "begun") own.watch();
    else if (data.weft === "start") startFor(id, data);
    else if (data.weft === "stop") stop(data.id);
    else if (data.weft === "exited") {
      own.exited = true;
      stop(id);
    }
  };
  worker.onerror = (event): void => {
    event.preventDefault();
    hearing.error(event.message ?? `there is no such module, or the server's headers forbid it: ${url}`);
  };
  return worker;
}

function stop(id: number): void {
  const own = owned.get(id);
  own?.worker.terminate();
  own?.watch();
}

function startFor(starter: number, { id, name, url, port, gone }: Extract<Notice, { weft: "start" }>): void {
  const asking = owned.get(starter);
  const tell = (notice: Notice): void => asking?.worker.postMessage(notice);
  const worker = open(url, name, id, starter, {
    message: () => {},
    error: (message) => tell({ weft: "failed", id, message }),
    gone: (exitCode) => {
      store(gone, 0, 1);
      tell({ weft: "gone", id, exitCode });
    },
  });
  worker.postMessage({ weft: "port", port } satisfies Notice, [port]);
}

/** Starts a worker on a module. */
export function startInBrowser(url: URL, listener: WorkerListener): WorkerHandle {
  const name = nextWorkerName();
  const id = lastWorkerId();
  if (isOwnWorker) return startByPage(url, name, id, listener);
  const worker = open(url, name, id, 0, {
    message: (data) => listener.message(data),
    error: (message) => listener.error(message),
    gone: (exitCode) => listener.close(exitCode),
  });
  return {
    post: (message, buffers = []): void => worker.postMessage(message, buffers),
    // No worker keeps a page alive.
    setRef: (): void => {},
    terminate: (): void => stop(id),
  };
}

// In a worker.

/** The port to the starter, if that is not the page. */
let toStarter: Scope = scope;
/** The workers that this worker has started, by their numbers. */
const started: Map<number, { listener: WorkerListener; port: MessagePort }> = new Map();

/** In a worker: sets what is done with messages from its starter. */
export function onStarterMessage(receive: (data: unknown) => void): void {
  // Before the worker has begun, no message is handled: see worker_life.ts.
  const begun = beginLife();
  void begun.then(() => scope.postMessage({ weft: "begun" } satisfies Notice));
  const handle = ({ data }: MessageEvent): void => void begun.then(() => receive(data));
  scope.onmessage = (event): void => {
    const { data } = event;
    if (!isNotice(data)) {
      handle(event);
    } else if (data.weft === "failed") {
      started.get(data.id)?.listener.error(data.message);
    } else if (data.weft === "gone") {
      forget(data.id, data.exitCode);
    } else if (data.weft === "port") {
      toStarter = data.port as unknown as Scope;
      toStarter.onmessage = handle;
    }
  };
}

/** In a worker: sends a message to its starter. */
export function postToStarter(message: unknown): void {
  toStarter.postMessage(message);
}

/** In a worker: has the page stop it, now that it has ended. */
export function leaveBrowser(): void {
  scope.postMessage({ weft: "exited" } satisfies Notice);
}

function startByPage(url: URL, name: string, id: number, listener: WorkerListener): WorkerHandle {
  const { port1, port2 } = new MessageChannel();
  const gone = new Int32Array(new SharedArrayBuffer(4));
  setLifeWord(id, gone);
  port1.onmessage = ({ data }): void => listener.message(data);
  started.set(id, { listener, port: port1 });
  scope.postMessage({ weft: "start", id, name, url: url.href, port: port2, gone } satisfies Notice, [port2]);
  return {
    post: (message, buffers = []): void => port1.postMessage(message, buffers),
    setRef: (): void => {},
    terminate: (): void => scope.postMessage({ weft: "stop", id } satisfies Notice),
  };
}

function forget(id: number, exitCode: number): void {
  const known = started.get(id);
  if (known === undefined) return;
  started.delete(id);
  // What it has sent is there before this, but its port may have to deliver it yet.
  setTimeout(() => {
    known.port.close();
    known.listener.close(exitCode);
  });
  forgetLife(id);
}
