/**
 * Starts threads and looks after those that this thread started.
 *
 * @module
 */

import { load, now, store } from "../atomics.ts";
import { enter, entryOf, RECORD } from "../memory/participants.ts";
import { addReference } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { existingSpace } from "../memory/spaces.ts";
import type { ThreadMemory } from "../memory/thread_memory.ts";
import { deno, isBun } from "../runtime/globals.ts";
import { startWorker, TERMINATE_STOPS_CODE, type WorkerHandle } from "../runtime/worker.ts";
import { TargetError } from "../../sync/errors.ts";
import {
  BOOTING,
  DAEMON,
  ERROR,
  EXIT_CODE,
  finish,
  FINISHED,
  FLAGS,
  GONE,
  IDENT,
  objectOf,
  PARENT,
  requestEnd,
  RUNNING,
  STATE,
  vanish,
  writeOutcome,
} from "./record.ts";
// Not used here: it makes the worker's modules part of the program's graph, so that Deno has them when the main thread
// blocks right after start().
import "./worker_entry.ts";

/** What a worker is told at its start. */
export interface Init {
  buffer: SharedArrayBuffer;
  id: number;
  record: number;
  /** Whether the program uses the processes' memory. */
  processes: boolean;
}

/** What a worker tells the thread that started it. */
export type Report =
  /** Only daemons of it are left: it need not keep the program alive. */
  | "unref"
  /** Its target threw, and this side has a hook for that. */
  | "failed"
  /** It is about to exit. */
  | "over";

interface Child {
  worker: WorkerHandle;
  space: Space;
  record: number;
  /** Keeps the handle, for the hook. */
  thread: object;
  /** When it was asked to end. */
  killedAt: number;
  /** When it was started. */
  startedAt: number;
}

const children: Map<number, Child> = new Map();
let failed: (thread: object) => void = () => {};

/** Says what is done with threads that this thread started and that failed. */
export function onFailure(report: (thread: object) => void): void {
  failed = report;
}

const ENTRY = new URL(isBun ? "./worker_entry_bun.ts" : "./worker_entry.ts", import.meta.url);
/** How long a worker that was told to end may take before it is stopped from outside, where that is possible. */
const GRACE = 50;
/** After that, how long until it has certainly stopped. Bun takes about 30 ms. */
const STOPPED = 1000;
/** How long a blocked starter waits for a worker whose modules may have to be downloaded by it. */
const DOWNLOAD = 10_000;

/** Starts the thread of a record that is BOOTING. */
export function launch(space: Space, record: number, thread: object): void {
  const { words } = space;
  const id = enter(space.memory, 0);
  store(words, record + IDENT, id);
  store(words, record + PARENT, space.id);
  addReference(space, objectOf(record));
  store(words, entryOf(id) + RECORD, record);
  const daemon = (load(words, record + FLAGS) & DAEMON) !== 0;
  const worker = takeSpare() ?? new Host();
  children.set(id, { worker: worker.handle, space, record, thread, killedAt: 0, startedAt: now() });
  worker.child = id;
  worker.handle.setRef(!daemon);
  const init: Init = {
    buffer: (space.memory as ThreadMemory).buffer,
    id,
    record,
    processes: existingSpace("process") !== undefined,
  };
  worker.handle.post(init);
  keepSpare();
}

class Host {
  child = 0;
  readonly handle: WorkerHandle = startWorker(ENTRY, {
    message: (data) => {
      const child = children.get(this.child);
      if (child === undefined) return;
      const report = data as Report;
      if (report === "unref") child.worker.setRef(false);
      else if (report === "failed") failed(child.thread);
      else if (report === "over") this.#over(child);
    },
    error: (message) => {
      const child = children.get(this.child);
      if (child === undefined || load(child.space.words, child.record + STATE) === FINISHED) return;
      writeOutcome(
        child.space,
        child.record,
        ERROR,
        new TargetError(`Cannot start thread as its worker could not be loaded: ${message}`),
      );
      finish(child.space, child.record);
      this.#over(child);
    },
    close: (code) => {
      const child = children.get(this.child);
      if (child === undefined) return;
      store(child.space.words, child.record + EXIT_CODE, code);
      finish(child.space, child.record);
      this.#over(child);
    },
  });

  #over(child: Child): void {
    children.delete(this.child);
    child.worker.setRef(false);
    vanish(child.space, child.record);
  }
}

/** Asks a thread to end, and where the runtime can, stops it if it does not listen. */
export function terminateThread(space: Space, record: number): void {
  requestEnd(space, record);
  const child = children.get(load(space.words, record + IDENT));
  if (child === undefined) return;
  child.killedAt ||= now();
  if (TERMINATE_STOPS_CODE) setTimeout(() => stop(child), GRACE);
}

function stop(child: Child): void {
  if (load(child.space.words, child.record + STATE) !== FINISHED) child.worker.terminate();
}

/** What a blocked joiner has to do for a thread that it started itself, since no event reaches it. */
export function attend(record: number, id: number, remote: boolean): void {
  const child = children.get(id);
  if (child === undefined) return;
  const { space } = child;
  if (TERMINATE_STOPS_CODE && child.killedAt > 0 && now() - child.killedAt > GRACE) {
    stop(child);
    if (now() - child.killedAt > GRACE + STOPPED) {
      finish(space, record);
      vanish(space, record);
    }
  }
  if (remote && load(space.words, record + STATE) === BOOTING && now() - child.startedAt > DOWNLOAD) {
    writeOutcome(
      space,
      record,
      ERROR,
      new TargetError(
        `Cannot start thread as its modules did not load within ${
          DOWNLOAD / 1000
        } s while the thread that started it was blocked: an uncached remote module needs its event loop, so write await join() instead of joinSync(), or import the module where the program starts`,
      ),
    );
    requestEnd(space, record);
    finish(space, record);
  }
}

/** The records of the threads that this thread started and that are not gone. */
export function childRecords(): number[] {
  return [...children.values()]
    .filter(({ space, record }) => load(space.words, record + GONE) === 0)
    .map(({ record }) => record);
}

/** Whether a thread that this thread started has not returned yet. */
export function isBusy(space: Space, record: number): boolean {
  const state = load(space.words, record + STATE);
  return state === BOOTING || state === RUNNING;
}

// A worker that is up and waits for work. It is made once a thread was started for the second time (a program with one
// thread needs none), when there is nothing else to do, and it goes after a while without use.
const IDLE = 3000;
let spare: Host | undefined;
let starts = 0;
let planned: ReturnType<typeof setTimeout> | undefined;

function takeSpare(): Host | undefined {
  const host = spare;
  spare = undefined;
  clearTimeout(planned);
  planned = undefined;
  return host;
}

function keepSpare(): void {
  if (++starts < 2) return;
  planned = unrefTimer(setTimeout(() => {
    spare = new Host();
    spare.handle.setRef(false);
    planned = unrefTimer(setTimeout(() => takeSpare()?.handle.terminate(), IDLE));
  }, 1));
}

function unrefTimer(timer: ReturnType<typeof setTimeout>): ReturnType<typeof setTimeout> {
  if (typeof timer === "number") deno?.unrefTimer(timer);
  else (timer as { unref(): void }).unref();
  return timer;
}
