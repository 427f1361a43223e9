/**
 * The life of a thread, inside its worker: it gets ready, runs the target that its record describes, notes the outcome, and stays
 * until the threads that it started have ended.
 *
 * @module
 */

import { compareExchange, load, now, store } from "../atomics.ts";
import { arrive } from "../codec/arrivals.ts";
import { decode } from "../codec/decode.ts";
import { encode } from "../codec/encode.ts";
import { classOf, LOCK, THREAD } from "../memory/kinds.ts";
import { ThreadMemory } from "../memory/memory.ts";
import { KILL, leave, leaveUnused, RECORD } from "../memory/participants.ts";
import { Attachment, makeHandle } from "../memory/shared_object.ts";
import { hasReferences } from "../codec/format.ts";
import { closeSpaces, existingSpace, setSpace, Space } from "../memory/space.ts";
import { giveUpAll } from "../queue/taken.ts";
import { block } from "../memory/wait_point.ts";
import {
  becomeSpare,
  exitThread,
  leaveSpare,
  onLastWords,
  onParentMessage,
  pendingOutput,
  postToParent,
  reportListener,
  systemThreadId,
  takeArguments,
  writeAtOnce,
} from "../runtime/this_thread.ts";
import { importOwn } from "../runtime/own_files.ts";
import { type Found, resolveBoth, watchImports } from "../targets/resolve.ts";
import { ownOffspring, reportError, setOwnTarget, waitForEndings } from "../work/ending.ts";
import {
  BOOTING,
  CANCELLED,
  DAEMON,
  END_CHILDREN,
  ERROR,
  EXIT_CODE,
  FAILED,
  finish,
  FLAGS,
  freeBytes,
  hasOthersBelow,
  isBusy,
  labelOf,
  objectOf,
  PAYLOAD,
  POINT,
  PROCESS_ID,
  readBytes,
  RUNNING,
  setFlags,
  STATE,
  SYSTEM_ID,
  TIMER,
  UNREPORTED,
  VALUE,
  vanish,
  writeOutcome,
} from "../work/record.ts";
import {
  type Ahead,
  type Descriptors,
  giveFields,
  importsOf,
  type Init,
  PREPARE,
  type Report,
  takeHanded,
  unpackPayload,
} from "../work/starting.ts";

/** How many milliseconds a worker that is forced to end waits for threads that it started to come up, so that they can end. */
const LAST_WAIT = 10_000;

/** Milliseconds between the steps in which a spare worker gets ready. */
const PAUSE = 2;

/** An instance of a subclass of `Thread`. */
interface Runnable {
  run(...args: unknown[]): unknown;
}

/** Loads all classes of shared objects and threads, unless the program's modules have loaded them. */
async function loadWhole(): Promise<void> {
  // Even an import() of a loaded module costs time: Deno walks its graph again.
  if (classOf("thread", LOCK) !== undefined && classOf("thread", THREAD) !== undefined) return;
  await importOwn("allClasses");
}

/** Waits for the message that names a thread, and runs that thread. A spare gets messages before that which make it ready. */
export function boot(): void {
  takeArguments();
  writeAtOnce();
  let awaited = true;
  onParentMessage((message) => {
    if (message === PREPARE) {
      void prepare(() => awaited);
      return;
    }
    if (takeHanded(message)) return;
    awaited = false;
    if ("ahead" in (message as Ahead | Init)) void importAhead(message as Ahead);
    else void run(message as Init);
  });
}

/**
 * Loads what a later thread may need. It does so in steps: if the thread comes soon after all, it waits for one step at
 * most.
 */
async function prepare(isGoingOn: () => boolean): Promise<void> {
  const steps: (() => unknown)[] = [
    loadWhole,
    () => importOwn("allForThreads"),
    // Code that has run once runs faster the next time.
    () => decode(encode({ args: [1, "", {}] }, { root: "", scope: "thread" })),
  ];
  try {
    for (const step of steps) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
      if (!isGoingOn()) return;
      await step();
    }
    report("ready");
  } catch {
    // The thread that needs it will report the error.
  }
}

/** What was found ahead of the thread, and for which head. */
let foundAhead: { head: string; found: Promise<Found> } | undefined;

/** In a spare: imports what its thread will run. From here on the worker has the id of that thread. */
async function importAhead({ buffer, ahead, head }: Ahead): Promise<void> {
  const space = join(buffer, ahead);
  const { words, entry } = space;
  let reason: { error: unknown } | undefined;
  const spoil = (error: unknown): never => {
    reason = { error };
    return exitThread();
  };
  setLastWords(space, {
    exit: (code) => leaveAll(space, code, reason),
    uncaught(error) {
      const record = load(words, entry + RECORD);
      if (record === 0) spoil(error);
      fail(space, record, error);
      exitThread();
    },
  });
  becomeSpare((error) => {
    // If there is a record, the spare has become a thread, and the message that says so is about to arrive.
    if (load(words, entry + RECORD) === 0) spoil(error);
  });
  // Nothing is reported here. Earlier threads have imported the same modules, and have reported slow ones.
  watchImports({ begin() {}, mayName: () => false, end() {} });
  foundAhead = { head, found: resolveBoth(JSON.parse(head) as Descriptors, "a thread") };
  try {
    await foundAhead.found;
    report("ahead");
  } catch (error) {
    // If the spare has become a thread meanwhile, that thread awaits the same promise and gets the same error.
    if (load(words, entry + RECORD) === 0) spoil(error);
  }
}

let joined: Space | undefined;
let lastWords: Parameters<typeof onLastWords>[0] | undefined;

/** After the end only listeners of the program run, which may throw. The record, and the entry, may be another thread's by now. */
const NO_WORDS: Parameters<typeof onLastWords>[0] = { exit() {}, uncaught: exitAfter };

/** Joins the threads' memory. */
function join(buffer: SharedArrayBuffer, id: number): Space {
  if (joined !== undefined) return joined;
  joined = new Space(new ThreadMemory(buffer), id, exitThread);
  setSpace(joined);
  return joined;
}

/** Sets what is done when this worker exits or fails. If the thread was killed already, it exits here. */
function setLastWords(space: Space, words: Parameters<typeof onLastWords>[0]): void {
  const isFirst = lastWords === undefined;
  lastWords = words;
  if (!isFirst) return;
  onLastWords({
    exit: (code) => {
      lastWords!.exit(code);
      lastWords = NO_WORDS;
      closeSpaces();
    },
    uncaught: (error) => lastWords!.uncaught(error),
  });
  // A thread that is idle, or that awaits something outside this library, learns here that it was asked to end.
  space.memory.listen(space.entry + KILL, () => {
    if (space.isKilled()) exitThread();
  });
}

async function run(init: Init): Promise<void> {
  const { record } = init;
  const space = join(init.buffer, init.id);
  leaveSpare();
  // A module that was imported ahead may have joined the processes' memory. There was no record then to note the id in.
  const processes = existingSpace("process");
  if (processes !== undefined) store(space.words, record + PROCESS_ID, processes.id);
  if (load(space.words, record + SYSTEM_ID) === 0) store(space.words, record + SYSTEM_ID, systemThreadId());
  let over = false;
  setLastWords(space, {
    exit: (code) => {
      if (over) return;
      over = true;
      store(space.words, record + EXIT_CODE, code);
      end(space, record);
      terminateChildren(space);
      // The children die with this worker. On Deno, a child that runs code at that moment could not note its own end.
      waitForChildren(space, record, () => false, now() + LAST_WAIT);
      const unborn = new Set(childRecords().filter((child) => giveUpStart(space, child)));
      waitForChildren(space, record, (child) => unborn.has(child), Infinity);
      forgetAll();
      vanish(space, record);
    },
    uncaught: (error) => {
      // The thread has ended if a listener that was called before the library's threw.
      if (over) exitAfter(error);
      fail(space, record, error);
      exitThread();
    },
  });
  watchImports(importsOf(space, record));
  try {
    if (init.processes) await importOwn("multiprocessing");
    const value = await runTarget(space, record);
    // The exit of the target threw what a listener of the program threw, and the target caught that.
    if (over) exitThread();
    writeOutcome(space, record, VALUE, value);
  } catch (error) {
    if (over) exitAfter(error);
    fail(space, record, error);
  }
  const pending = pendingOutput();
  if (pending !== undefined) await pending;
  over = true;
  end(space, record);
  // Blocks from here on, so that no timer or callback of the program runs in a thread that has ended. Only listeners of its exit
  // do, and find the memories closed.
  waitForEndings();
  waitForChildren(
    space,
    record,
    (child) => isDaemonAlone(space, child) && isBusy(space, child),
    Infinity,
  );
  if (childRecords().length > 0) {
    report("unref");
    waitForChildren(space, record, () => false, Infinity);
  }
  forgetAll();
  closeSpaces();
  vanish(space, record);
  // The starter drops the record when it receives this. Nothing is written to the record afterwards.
  report("over");
  exitThread();
}

async function runTarget(space: Space, record: number): Promise<unknown> {
  const { descriptor, rest } = unpackPayload(readBytes(space, record + PAYLOAD)!);
  const attachment = new Attachment(space, objectOf(record));
  const { type, target } =
    await (foundAhead?.head === descriptor
      ? foundAhead.found
      : resolveBoth(JSON.parse(descriptor) as Descriptors, labelOf(attachment)));
  const named = hasReferences(rest);
  let run: ((...args: unknown[]) => unknown) | undefined;
  let thread: Runnable | undefined;
  if (type !== undefined) {
    await loadWhole();
    // Runs the constructor of Thread, which attaches, and not that of the subclass.
    const made = makeHandle(attachment, classOf("thread", THREAD)!, type) as unknown as Runnable;
    thread = made;
    run = (...args) => made.run(...args);
  }
  if (target !== undefined) {
    setOwnTarget(space, record, target);
    run ??= target;
  }
  // Objects of any kind may arrive later, in synchronous code that cannot load their classes.
  if (named || classOf("thread", LOCK) !== undefined) await loadWhole();
  // The payload is freed only now: if no module was found, the record still has it, and drops its references.
  freeBytes(space, record + PAYLOAD);
  const { args, fields, delay } = await arrive(() =>
    decode(rest) as { args: unknown[]; fields?: object; delay?: number }
  );
  if (fields !== undefined) giveFields(thread!, fields);
  if (compareExchange(space.words, record + STATE, BOOTING, RUNNING) !== BOOTING) exitThread();
  if ((load(space.words, record + FLAGS) & TIMER) !== 0 && isCancelledWithin(space, record, delay ?? 0)) {
    return undefined;
  }
  return await run?.(...args);
}

function isCancelledWithin(space: Space, record: number, delay: number): boolean {
  return block(
    space,
    record + POINT,
    () => (load(space.words, record + FLAGS) & CANCELLED) !== 0 ? true : undefined,
    now() + delay,
  ) ?? false;
}

/** Exits as a thread that has ended already. `error`: what a listener of the program threw meanwhile. */
function exitAfter(error: unknown): never {
  reportListener(error);
  return exitThread();
}

function fail(space: Space, record: number, error: unknown): void {
  writeOutcome(space, record, ERROR, error);
  if (!reportError(space, record, error)) return;
  setFlags(space, record, UNREPORTED);
  report("failed");
}

/** Ends the thread: what it held passes to waiters. */
function end(space: Space, record: number): void {
  giveUpAll(space);
  finish(space, record);
}

/** Ends a spare. `reason`: the error that kept it from importing what it was to run. */
function leaveAll(space: Space, code: number, reason: { error: unknown } | undefined): void {
  report("spoilt");
  giveUpAll(space);
  // The spare may have become a thread at this moment. That thread ends too.
  const record = leaveUnused(space.memory, space.id);
  if (record === 0) return;
  store(space.words, record + EXIT_CODE, code);
  if (reason !== undefined) asParticipant((own) => fail(own, record, reason.error));
  finish(space, record);
  vanish(space, record);
}

function childRecords(): number[] {
  return ownOffspring()?.records() ?? [];
}

function terminateChildren(space: Space): void {
  for (const child of childRecords()) ownOffspring()!.terminate(space, child);
}

function isDaemonAlone(space: Space, child: number): boolean {
  return (load(space.words, child + FLAGS) & DAEMON) !== 0 && !hasOthersBelow(space, child);
}

// Gives up a child that waits for something that only the event loop of this thread could bring. Its record is kept, because its
// worker may still read it.
function giveUpStart(space: Space, child: number): boolean {
  if (compareExchange(space.words, child + STATE, BOOTING, FAILED) !== BOOTING) return false;
  finish(space, child);
  return true;
}

function waitForChildren(space: Space, record: number, spared: (child: number) => boolean, deadline: number): void {
  for (;;) {
    ownOffspring()?.attend();
    if ((load(space.words, record + FLAGS) & END_CHILDREN) !== 0) terminateChildren(space);
    const waited = childRecords().filter((child) => !spared(child));
    if (waited.length === 0 || now() > deadline) return;
    // The wait bypasses the queue of the wait point: this thread is off the table of participants, and its entry may be
    // another's.
    space.memory.wait(waited[0] + POINT, load(space.words, waited[0] + POINT), 20);
  }
}

// Freeing memory takes a mutex, and a thread that holds a mutex must be on the table of participants.
function forgetAll(): void {
  const offspring = ownOffspring();
  if (offspring !== undefined) asParticipant((own) => offspring.forget(own));
}

// Puts this thread on the tables of participants once more, for the duration of `work`. All code that looks for the thread's
// views finds the new ones meanwhile: what is freed may have references to objects in either memory.
function asParticipant(work: (own: Space) => void): void {
  const views = [existingSpace("thread"), existingSpace("process")].filter((space) => space !== undefined);
  const own = views.map((space) => space.rejoin());
  own.forEach(setSpace);
  work(own[0]);
  for (const { memory, id } of own) leave(memory, id);
  views.forEach(setSpace);
}

function report(report: Report): void {
  postToParent(report);
}
