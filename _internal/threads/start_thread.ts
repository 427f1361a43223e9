/**
 * Starts threads, and looks after the threads that this thread started until each of them, and all below it, is gone. The words of a thread are its record: see _internal/work/record.ts.
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
import { ownFile } from "../runtime/own_files.ts";
import { isBun, unrefTimer } from "../runtime/runtime.ts";
import {
  isSystemThreadGone,
  startSystemThread,
  startWorker,
  TERMINATE_STOPS_CODE,
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
  /** Keeps the handle, for the hook. */
  thread: object;
  descriptors: Descriptors;
  /** The same as a text. */
  head: string;
  /** When it was asked to end; 0: it was not. */
  killedAt: number;
  /** It was stopped, and what is below it may not be gone yet. */
  stopping: boolean;
  startedAt: number;
  /** Looks whether a daemon has others below it, while it keeps the program alive for those. */
  watch?: ReturnType<typeof setInterval>;
}

const ENTRY = ownFile(isBun ? "threadOnBun" : "threadOnDeno");
const PROCESS_SPACES = ownFile("processMemory").href;

// Times in milliseconds.
/** How long a worker that was told to end may take before it is stopped from outside, where that is possible. */
const GRACE = 50;
/** After that, how long until it has certainly stopped, where the system does not tell. Bun takes about 30 ms. */
const STOPPED = 2000;
/** How often a daemon with others below it is looked at. */
const WATCH = 50;
/** How long a blocked starter waits for a worker whose modules it may have to download. */
const DOWNLOAD = 10_000;

/** By the ids of the threads. */
const children: Map<number, Child> = new Map();
let failed: (thread: object) => void = () => {};
let watching = false;
/** Attends to the children, while there are any. */
let attending: ReturnType<typeof setInterval> | undefined;
/** Whether what waits for processes was loaded. */
let looked = false;

/** Says what is done with threads that this thread started and that failed. */
export function onFailure(report: (thread: object) => void): void {
  failed = report;
}

/** Starts the thread of a record that is BOOTING. */
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
  // Also while this thread's event loop turns: another thread may ask a child to end, and cannot stop it.
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

// Gives the thread of a record a worker and an id, by which others find the record.
function enterThread(space: Space, record: number, head: string): { host: Host; id: number } {
  const { words, memory } = space;
  store(words, record + PARENT, space.id);
  // Of some that have ended this thread has yet to hear.
  for (const child of children.values()) {
    if (child.head === head && load(words, child.record + STATE) === FINISHED) spares.noteEnd(head);
  }
  for (;;) {
    // First what may fail.
    const host = spares.take(head) ?? new Host();
    const id = host.id || enter(memory, 0);
    store(words, record + IDENT, id);
    store(words, record + SYSTEM_ID, host.systemId);
    // A spare may have ended, by what it has imported.
    if (giveRecord(memory, id, record)) return { host, id };
  }
}

// Names the modules that do not come up in threads which cannot do so themselves.
function lookAtStarts(patience: number): number {
  let next = Infinity;
  for (const { space, record, descriptors } of children.values()) {
    if (load(space.words, record + STATE) !== BOOTING) continue;
    next = Math.min(next, lookAtStart(space, record, descriptors, patience));
  }
  return next;
}

/** A worker, with a thread or spare. */
class Host implements Spare {
  /** Its thread; 0: it is spare. */
  child = 0;
  /** The id that its thread will have; 0: it gets one when it comes. */
  id = 0;
  readonly handle: WorkerHandle;
  /** The number that the system has for its thread; 0: the worker has to look. */
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
        // A spare that was stopped from outside: it can run no more code.
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

// Notes the ends of the threads below a thread that was stopped from outside: they stopped with it, and could not say so.
function reap(space: Space, dead: number): void {
  for (const id of participants(space)) {
    // Also of a thread that has ended: its starter can give the record up no more.
    const record = takeRecord(space, id, false);
    if (record === 0) continue;
    if (load(space.words, record + PARENT) === dead) endLostChild(space, record, id, now());
    dropReference(space, objectOf(record));
  }
}

function endLostChild(space: Space, record: number, id: number, since: number): void {
  if (!isGone(space, record, since)) {
    // It keeps the record meanwhile.
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

// Whether a thread that was stopped, or went with another, can run no more code.
function isGone({ words }: Space, record: number, since: number): boolean {
  return isSystemThreadGone(load(words, record + SYSTEM_ID)) ?? now() - since > STOPPED;
}

// Notes the end of a thread that could not do so itself. Without a mutex.
function noteEnd(space: Space, record: number): void {
  leaveProcesses(space, record);
  finish(space, record);
  if (load(space.words, record + GONE) === 0) vanish(space, record);
}

// What a thread held in the processes' memory is up for others, too. A thread that has finished has left that memory itself.
function leaveProcesses({ words }: Space, record: number): void {
  const id = load(words, record + PROCESS_ID);
  if (id === 0 || load(words, record + STATE) === FINISHED) return;
  const known = existingSpace("process");
  if (known !== undefined) {
    leave(known.memory, id);
    return;
  }
  // This thread has not used that memory so far.
  void (import(PROCESS_SPACES) as Promise<typeof import("../processes/process_memory.ts")>)
    .then(({ processSpace }) => leave(processSpace().memory, id));
}

// Notes the ends of the threads below a stopped thread: they end with it, and no event tells a blocked thread. Takes no mutex.
// `true`: all have ended.
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

// The record of a thread that a dead thread started, 0 of any other. It stays until reap() gives it up.
function orphan({ words }: Space, id: number, dead: number): number {
  const word = entryOf(id) + RECORD;
  const record = load(words, word);
  if (record === 0 || load(words, record + PARENT) !== dead || load(words, record + IDENT) !== id) return 0;
  // It was this thread's record while its words were read, and not memory that was given to something else.
  return load(words, word) === record ? record : 0;
}

// Loads, once, what waits for processes that a thread has started: the program waits for them also where that thread is gone.
function lookForProcesses({ words }: Space): boolean {
  if (looked || isWorker() || load(words, PROCESS_AT) === 0) return false;
  looked = true;
  void import(ownFile("processes").href);
  return true;
}

// Keeps the program alive, which would end now, for a thread below a daemon that is itself no daemon.
function hold(child: Child): boolean {
  if (!hasOthersBelow(child.space, child.record)) return false;
  child.watch ??= setInterval(() => {
    if (hasOthersBelow(child.space, child.record)) return;
    clearInterval(child.watch);
    child.watch = undefined;
  }, WATCH);
  return true;
}

/** Asks a thread to end, and where the runtime can, stops it if it does not listen. The calling thread ends at once. */
export function terminateThread(space: Space, record: number): void {
  requestEnd(space, record);
  if (load(space.words, record + IDENT) === space.id) space.exit();
  const child = children.get(load(space.words, record + IDENT));
  if (child === undefined) return;
  child.killedAt ||= now();
  if (TERMINATE_STOPS_CODE) setTimeout(() => stop(child), GRACE);
  // It may compute without end, and nothing of what it does is wanted any more.
  else child.worker.setRef(false);
}

function stop(child: Child): void {
  if (load(child.space.words, child.record + STATE) === FINISHED) return;
  child.stopping = true;
  child.worker.terminate();
}

/** What a thread has to do for a thread that it started and that is to end, or does not come up. `remote`: its modules are. */
export function attend(record: number, id: number, remote: boolean): void {
  const child = children.get(id);
  if (child === undefined) return;
  const { space, space: { words } } = child;
  // Any thread may have asked it to. Until it has ended, the entry is its own.
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

/** Attends to all threads that this thread started: also where its event loop turns no more. */
function attendAll(): void {
  for (const [id, { record }] of children) attend(record, id, false);
}

function attendWhileThere(): void {
  attendAll();
  if (children.size > 0) return;
  clearInterval(attending);
  attending = undefined;
}

/** Gives up what the table of participants has of the threads that this thread started: all are gone. */
function forgetChildren(space: Space): void {
  for (const { record } of children.values()) {
    if (load(space.words, record + GONE) !== 0) forget(space, record);
  }
  children.clear();
}

/** Sends buffers to a thread that this thread has started, without a copy. */
export function handToThread(id: number, message: { buffers: ArrayBuffer[] | undefined }): void {
  children.get(id)?.worker.post(message, message.buffers);
}

/** Says of the threads that this thread has started already that it has a hook for their errors. */
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
