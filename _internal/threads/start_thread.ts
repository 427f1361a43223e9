/**
 * Starts threads, and looks after each of them until it and all threads that it started are gone. The state of a thread is in its
 * record: see _internal/work/record.ts.
 *
 * @module
 */

import { load, now, store } from "../atomics.ts";
import { TargetError } from "../errors.ts";
import { PROCESS_AT, type ThreadMemory } from "../memory/memory.ts";
import { enter, entryOf, giveRecord, KILL, leave, onBlocked, RECORD } from "../memory/participants.ts";
import { addReference, dropReference } from "../memory/shared_object.ts";
import { existingSpace, type Space } from "../memory/space.ts";
import { SLICE_MS } from "../memory/wait_point.ts";
import { isWorker, onLoopEmpty } from "../runtime/this_thread.ts";
import { requireOwnModules } from "../runtime/modules.ts";
import { importOwn, ownFile } from "../runtime/own_files.ts";
import { isBrowser, isBun, TERMINATE_STOPS_CODE, unrefTimer } from "../runtime/runtime.ts";
import {
  isSystemThreadGone,
  startSystemThread,
  startWorker,
  type WorkerHandle,
  type WorkerListener,
} from "../runtime/workers.ts";
import { setOffspring } from "../work/ending.ts";
import {
  BOOTING,
  DAEMON,
  EXIT_CODE,
  failToStart,
  finish,
  FINISHED,
  FLAGS,
  forget,
  GONE,
  hasOthersBelow,
  HOOKED,
  IDENT,
  objectOf,
  PARENT,
  participants,
  PROCESS_ID,
  requestEnd,
  setFlags,
  STATE,
  SYSTEM_ID,
  takeRecord,
  vanish,
} from "../work/record.ts";
import { type Descriptors, type Init, lookAtStart, lookLater, type Report } from "../work/starting.ts";
import { type Spare, Spares } from "./spares.ts";

/** A thread that this thread started. */
interface Child {
  worker: WorkerHandle;
  space: Space;
  record: number;
  /** Its handle, which the hook needs. */
  thread: object;
  descriptors: Descriptors;
  /** The descriptors as JSON. */
  head: string;
  /** When it was asked to end; 0 if it was not. */
  killedAt: number;
  /** It was stopped, but threads that it started may still run. */
  stopping: boolean;
  startedAt: number;
  /** For a daemon that keeps the program alive: checks whether a non-daemon thread that it started still runs. */
  watch?: ReturnType<typeof setInterval>;
}

const ENTRY = ownFile(isBrowser ? "threadInBrowser" : isBun ? "threadOnBun" : "threadOnDeno");

// Times in milliseconds.
/** How long a worker that was asked to end may take before it is stopped from outside, if the runtime can do that. */
const GRACE = 50;
/** How long after that it has certainly stopped, if the system does not tell. Bun takes about 30 ms. */
const STOPPED = 2000;
/** How often such a daemon is checked. */
const WATCH = 50;
/** How long a blocked starter waits for a worker that may have to download its modules. */
const DOWNLOAD = 10_000;

/** The threads that this thread started, by id. */
const children: Map<number, Child> = new Map();
let failed: (thread: object) => void = () => {};
let watching = false;
/** Calls {@linkcode attendAll} at intervals while there are children. */
let attending: ReturnType<typeof setInterval> | undefined;
/** Whether the code that waits for processes was loaded. */
let looked = false;

/** Sets the function that is called when a thread that this thread started has failed. */
export function onFailure(report: (thread: object) => void): void {
  failed = report;
}

/** Starts the thread of a record whose state is BOOTING. */
export function launchThread(space: Space, record: number, thread: object, descriptors: Descriptors): void {
  const { words } = space;
  const head = JSON.stringify(descriptors);
  const { host, id } = enterThread(space, record, head);
  addReference(space, objectOf(record));
  const daemon = (load(words, record + FLAGS) & DAEMON) !== 0;
  children.set(id, {
    worker: host.handle,
    space,
    record,
    thread,
    descriptors,
    head,
    killedAt: 0,
    stopping: false,
    startedAt: now(),
  });
  host.child = id;
  host.handle.setRef(!daemon);
  if (!watching) {
    watching = true;
    onLoopEmpty(() => [...children.values()].map(hold).includes(true) || lookForProcesses(space));
    if (TERMINATE_STOPS_CODE) onBlocked(attendAll);
  }
  // Needed also while the event loop of this thread turns: another thread may ask a child to end, but only this one can stop it.
  if (TERMINATE_STOPS_CODE) attending ??= unrefTimer(setInterval(attendWhileThere, SLICE_MS));
  const init: Init = {
    buffer: (space.memory as ThreadMemory).buffer,
    id,
    record,
    processes: existingSpace("process") !== undefined,
  };
  host.handle.post(init);
  spares.noteStart(space.memory);
  lookLater(lookAtStarts);
}

// Gives a record a worker and an id. Other threads find the record by the id.
function enterThread(space: Space, record: number, head: string): { host: Host; id: number } {
  const { words, memory } = space;
  store(words, record + PARENT, space.id);
  // Some threads may have ended whose report this thread has not received yet.
  for (const child of children.values()) {
    if (child.head === head && load(words, child.record + STATE) === FINISHED) spares.noteEnd(head);
  }
  for (;;) {
    // What may throw comes first, before the record has an id.
    const host = spares.take(head) ?? new Host();
    const id = host.id || enter(memory, 0);
    store(words, record + IDENT, id);
    store(words, record + SYSTEM_ID, host.systemId);
    // Fails if a spare has ended because of a module that it imported. Then take another worker.
    if (giveRecord(memory, id, record)) return { host, id };
  }
}

// Reports modules that do not finish loading in threads that cannot report this themselves.
function lookAtStarts(patience: number): number {
  let next = Infinity;
  for (const { space, record, descriptors } of children.values()) {
    if (load(space.words, record + STATE) !== BOOTING) continue;
    next = Math.min(next, lookAtStart(space, record, descriptors, patience));
  }
  return next;
}

/** A worker: a thread's, or spare. */
class Host implements Spare {
  /** The id of its thread; 0 while it is spare. */
  child = 0;
  /** The id that its thread will have; 0 if the id is given with the thread. */
  id = 0;
  readonly handle: WorkerHandle;
  /** The number of its thread in the system; 0 if the worker must look it up. */
  readonly systemId: number;

  constructor() {
    requireOwnModules("start thread");
    const { started, id } = startSystemThread(() => startWorker(ENTRY, this.#listener));
    this.handle = started;
    this.systemId = id;
  }

  readonly #listener: WorkerListener = {
    message: (data) => {
      const report = data as Report;
      const child = children.get(this.child);
      if (child === undefined) {
        spares.hear(this, report);
        return;
      }
      if (report === "unref") child.worker.setRef(false);
      else if (report === "failed") failed(child.thread);
      else if (report === "over") this.#over(child);
    },
    error: (message) => {
      const child = children.get(this.child);
      if (child === undefined) {
        spares.drop(this);
        return;
      }
      const failure = (): Error => new TargetError(`Cannot start thread as its worker could not be loaded: ${message}`);
      if (failToStart(child.space, child.record, failure)) this.#over(child);
    },
    close: (code) => {
      const child = children.get(this.child);
      if (child === undefined) {
        // A spare that was stopped from outside. It runs no more code.
        if (this.id !== 0) leave(existingSpace("thread")!.memory, this.id);
        spares.drop(this);
        return;
      }
      store(child.space.words, child.record + EXIT_CODE, code);
      leaveProcesses(child.space, child.record);
      this.#over(child);
      if (TERMINATE_STOPS_CODE) reap(child.space, this.child);
    },
  };

  #over(child: Child): void {
    spares.noteEnd(child.head);
    children.delete(this.child);
    clearInterval(child.watch);
    child.worker.setRef(false);
    finish(child.space, child.record);
    vanish(child.space, child.record);
    forget(child.space, child.record);
  }
}

// Notes the ends of the threads that a stopped thread had started: they stopped with it, and could not note that themselves.
function reap(space: Space, dead: number): void {
  for (const id of participants(space)) {
    // Threads that have ended count too: their starter is gone and cannot drop the references to their records.
    const record = takeRecord(space, id, false);
    if (record === 0) continue;
    if (load(space.words, record + PARENT) === dead) endLostChild(space, record, id, now());
    dropReference(space, objectOf(record));
  }
}

function endLostChild(space: Space, record: number, id: number, since: number): void {
  if (!isGone(space, record, since)) {
    // Keeps the record until then.
    addReference(space, objectOf(record));
    setTimeout(() => {
      endLostChild(space, record, id, since);
      dropReference(space, objectOf(record));
    }, 5);
    return;
  }
  noteEnd(space, record);
  forget(space, record);
  reap(space, id);
}

// Whether a thread that was stopped, or that stopped with its starter, can run no more code.
function isGone({ words }: Space, record: number, since: number): boolean {
  return isSystemThreadGone(load(words, record + SYSTEM_ID)) ?? now() - since > STOPPED;
}

// Notes the end of a thread that could not do so itself. Takes no mutex, since this thread may be waiting for one.
function noteEnd(space: Space, record: number): void {
  leaveProcesses(space, record);
  finish(space, record);
  if (load(space.words, record + GONE) === 0) vanish(space, record);
}

// Makes what a thread held in the processes' memory pass to waiters. A thread that has finished has left that memory itself.
function leaveProcesses({ words }: Space, record: number): void {
  const id = load(words, record + PROCESS_ID);
  if (id === 0 || load(words, record + STATE) === FINISHED) return;
  const known = existingSpace("process");
  if (known !== undefined) {
    leave(known.memory, id);
    return;
  }
  // This thread has not used the processes' memory so far.
  void (importOwn("processMemory") as Promise<typeof import("../processes/process_memory.ts")>)
    .then(({ processSpace }) => leave(processSpace().memory, id));
}

// Notes the ends of the threads that a stopped thread had started: they end with it, and a blocked thread gets no event for that.
// Takes no mutex. Returns `true` if all of them have ended.
function areGoneBelow(space: Space, dead: number, since: number): boolean {
  let all = true;
  for (const id of participants(space)) {
    const record = orphan(space, id, dead);
    if (record === 0) continue;
    if (!isGone(space, record, since)) {
      all = false;
      continue;
    }
    noteEnd(space, record);
    if (!areGoneBelow(space, id, since)) all = false;
  }
  return all;
}

// The record of a thread that the dead thread started; 0 for any other thread. reap() drops the reference to it later.
function orphan({ words }: Space, id: number, dead: number): number {
  const word = entryOf(id) + RECORD;
  const record = load(words, word);
  if (record === 0 || load(words, record + PARENT) !== dead || load(words, record + IDENT) !== id) return 0;
  // Read again: if the table still has this record, the words above were its own, and not those of memory that was freed and
  // used again.
  return load(words, word) === record ? record : 0;
}

// Loads, once, the code that waits for processes: the program waits for a process even if the thread that started it is gone.
function lookForProcesses({ words }: Space): boolean {
  if (looked || isWorker() || load(words, PROCESS_AT) === 0) return false;
  looked = true;
  void importOwn("processes");
  return true;
}

// Keeps the program alive when it would end, if a daemon has started a thread that is not a daemon and still runs.
function hold(child: Child): boolean {
  if (!hasOthersBelow(child.space, child.record)) return false;
  child.watch ??= setInterval(() => {
    if (hasOthersBelow(child.space, child.record)) return;
    clearInterval(child.watch);
    child.watch = undefined;
  }, WATCH);
  return true;
}

/** Asks a thread to end. If the runtime can, stops it if it does not react. If it is the calling thread, it ends at once. */
export function terminateThread(space: Space, record: number): void {
  requestEnd(space, record);
  if (load(space.words, record + IDENT) === space.id) space.exit();
  const child = children.get(load(space.words, record + IDENT));
  if (child === undefined) return;
  child.killedAt ||= now();
  if (TERMINATE_STOPS_CODE) setTimeout(() => stop(child), GRACE);
  // It may compute without end, which must not keep the program alive.
  else child.worker.setRef(false);
}

function stop(child: Child): void {
  if (load(child.space.words, child.record + STATE) === FINISHED) return;
  child.stopping = true;
  child.worker.terminate();
}

/**
 * Looks after a thread that this thread started: stops it if it was asked to end and does not react, or fails it if it does not
 * come up. `remote`: its modules may have to be downloaded.
 */
export function attend(record: number, id: number, remote: boolean): void {
  const child = children.get(id);
  if (child === undefined) return;
  const { space, space: { words } } = child;
  // Any thread may have asked it to end. The entry belongs to it only until it has ended.
  const isAsked = load(words, record + STATE) !== FINISHED && load(words, entryOf(id) + KILL) !== 0;
  if (child.killedAt === 0 && isAsked) child.killedAt = now();
  if (TERMINATE_STOPS_CODE && child.killedAt > 0 && now() - child.killedAt > GRACE) {
    stop(child);
    const since = child.killedAt + GRACE;
    if (child.stopping && isGone(space, record, since)) {
      noteEnd(space, record);
      child.stopping = !areGoneBelow(space, id, since);
    }
  }
  if (remote && load(words, record + STATE) === BOOTING && now() - child.startedAt > DOWNLOAD) {
    failToStart(space, record, () =>
      new TargetError(
        `Cannot start thread as its modules did not load within ${
          DOWNLOAD / 1000
        } s while the thread that started it was blocked: an uncached remote module needs its event loop, so write await join() instead of joinSync(), or import the module where the program starts`,
      ));
  }
}

/** The records of the threads that this thread started and that are not gone. */
export function childRecords(): number[] {
  return [...children.values()]
    .filter(({ space, record }) => load(space.words, record + GONE) === 0)
    .map(({ record }) => record);
}

/** Looks after all threads that this thread started. A blocked thread calls it too. */
function attendAll(): void {
  for (const [id, { record }] of children) attend(record, id, false);
}

function attendWhileThere(): void {
  attendAll();
  if (children.size > 0) return;
  clearInterval(attending);
  attending = undefined;
}

/** Drops the references of the table of participants to the threads that this thread started. All of them are gone. */
function forgetChildren(space: Space): void {
  for (const { record } of children.values()) {
    if (load(space.words, record + GONE) !== 0) forget(space, record);
  }
  children.clear();
}

/** Transfers buffers to a thread that this thread has started, without a copy. */
export function handToThread(id: number, message: { buffers: ArrayBuffer[] | undefined }): void {
  children.get(id)?.worker.post(message, message.buffers);
}

/** Tells the threads that this thread has started already that it has a hook for their errors. */
export function hookChildren(): void {
  for (const { space, record } of children.values()) setFlags(space, record, HOOKED);
}

function countBooting(): number {
  return [...children.values()].filter(({ space, record }) => load(space.words, record + STATE) === BOOTING).length;
}

const spares: Spares<Host> = new Spares(() => new Host(), countBooting);

setOffspring({
  records: childRecords,
  attend: attendAll,
  terminate: terminateThread,
  forget: forgetChildren,
});
