/**
 * The module with which a child process begins, and the life of that process.
 *
 * An environment variable tells the process its record, what ties its life to its starter's, and where the processes' memory
 * is. A spare waits here for its record: see processes/forkserver.ts. A process that may not call the C library reads all
 * of this from its standard input instead: see child_without_memory.ts.
 *
 * @module
 */

import "../../multiprocessing/mod.ts";
import { Process } from "../../multiprocessing/process.ts";
import { inheritMethod } from "../../multiprocessing/start_method.ts";
import { compareExchange, load, store } from "../atomics.ts";
import { arrive } from "../codec/arrivals.ts";
import { decode } from "../codec/decode.ts";
import { addReference, Attachment, dropReference, handleAt, makeHandle } from "../memory/shared_object.ts";
import { dropReferences } from "../codec/format.ts";
import { existingSpace, type Space } from "../memory/space.ts";
import { waitAsync } from "../memory/wait.ts";
import { waitForRecord } from "../processes/forkserver.ts";
import { holdLifeline } from "../processes/lifeline.ts";
import { type ProcessMemory, processSpace } from "../processes/process_memory.ts";
import { INDEX, sayExit, setOwnRecord } from "../processes/process_record.ts";
import { attachRegion } from "../processes/region.ts";
import { mayCallSystem, VARIABLE } from "../processes/runtime_command.ts";
import { isBundled } from "../runtime/own_files.ts";
import { heedSignals } from "../processes/signal.ts";
import { childrenEnded, endChildren } from "../processes/start_process.ts";
import {
  becomeSpare,
  exitCodeSet,
  exitProcess,
  leaveSpare,
  onLastWords,
  pendingOutput,
  setMainArgument,
} from "../runtime/this_thread.ts";
import { loadProcessCalls } from "../system/system.ts";
import { addHome } from "../targets/places.ts";
import { type Found, resolveBoth, watchImports } from "../targets/resolve.ts";
import { childRecords } from "../threads/start_thread.ts";
import { setOwnTarget } from "../work/ending.ts";
import {
  BOOTING,
  DAEMON,
  ERROR,
  FLAGS,
  freeBytes,
  GONE,
  hasOthersBelow,
  labelOf,
  objectOf,
  PAYLOAD,
  POINT,
  readBytes,
  RUNNING,
  STATE,
  VALUE,
  writeOutcome,
} from "../work/record.ts";
import { giveFields, importsOf, type ProcessHead, unpackPayload } from "../work/starting.ts";

/** How many milliseconds a parent that is ending takes at most until it is gone. */
const ENDING = 2000;

/** Runs the process that the environment variable names. */
export function boot(): void {
  if (!mayCallSystem()) {
    void import("./child_without_memory.ts").then(({ bootWithoutMemory }) => bootWithoutMemory());
    return;
  }
  const calls = loadProcessCalls("start process");
  const told = calls.variable(VARIABLE);
  if (told === undefined) return;
  calls.removeVariable(VARIABLE);
  const [record, lifeline, ...region] = told.split(" ");
  calls.leaveSignals();
  // Its parent ended while this process came up.
  if (!holdLifeline(lifeline)) exitProcess(1);
  try {
    attachRegion(region.join(" "));
  } catch (error) {
    // While the parent ends, its memory may be gone before its lifeline is.
    if (calls.isOrphan(ENDING)) exitProcess(1);
    throw error;
  }
  const space = processSpace();
  onLastWords({ exit: (code) => lastWords?.exit(code), uncaught: (error) => lastWords?.uncaught(error) });
  if (Number(record) > 0) void run(space, Number(record));
  else void waitForRecord(space, -Number(record), importAhead).then((record) => run(space, record));
}

/** What this process still does when it ends or fails. */
let lastWords: Parameters<typeof onLastWords>[0] | undefined;

/** What was found ahead of the process, and for which head. */
let foundAhead: { head: string; found: Found } | undefined;
/** An error that was not caught while the modules were imported ahead, after the spare had become a process. */
let failedAhead: { error: unknown } | undefined;

/** In a spare: imports what its process will run. */
async function importAhead(head: string, spoil: () => boolean): Promise<void> {
  lastWords = {
    exit: () => void spoil(),
    uncaught(error) {
      if (spoil()) exitProcess(0);
      failedAhead ??= { error };
    },
  };
  becomeSpare((error) => {
    if (spoil()) exitProcess(0);
    // The spare has become a process, but does not know which one before this import is over. The module gets the error.
    throw error;
  });
  // Nothing is reported here. Earlier processes have imported the same modules, and have reported slow ones.
  watchImports({ begin() {}, mayName: () => false, end() {} });
  foundAhead = { head, found: await find(JSON.parse(head) as ProcessHead, "a process") };
}

/** Changes to the folder in which the process runs, and finds what it runs. `label`: the name of the process. */
function find(head: ProcessHead, label: string): Promise<Found> {
  const { main, cwd, method } = head;
  addHome(undefined, main);
  setMainArgument(main);
  inheritMethod(method);
  goTo(cwd);
  return resolveBoth(head, label);
}

function goTo(folder: string): void {
  loadProcessCalls("start process").changeFolder(folder);
}

async function run(space: Space, record: number): Promise<void> {
  const { words } = space;
  setOwnRecord(record);
  leaveSpare();
  store(words, record + INDEX, (space.memory as ProcessMemory).region.index);
  heedSignals(space, record);
  let over = false;
  lastWords = {
    exit: (code) => {
      endChildren();
      if (!over) sayExit(space, record, code);
    },
    uncaught: (error) => {
      fail(space, record, error);
      exitProcess(1);
    },
  };
  if (failedAhead !== undefined) lastWords.uncaught(failedAhead.error);
  watchImports(importsOf(space, record));
  let code = 0;
  try {
    const value = await runTarget(space, record);
    writeOutcome(space, record, VALUE, value);
  } catch (error) {
    fail(space, record, error);
    code = 1;
  }
  await threadsEnded();
  await childrenEnded(space);
  endChildren();
  const pending = pendingOutput();
  if (pending !== undefined) await pending;
  over = true;
  // The exit code that the program has set counts, as it does when the runtime ends a program.
  code ||= exitCodeSet();
  sayExit(space, record, code);
  exitProcess(code);
}

async function runTarget(space: Space, record: number): Promise<unknown> {
  const { descriptor, rest } = unpackPayload(readBytes(space, record + PAYLOAD)!);
  const attachment = new Attachment(space, objectOf(record));
  const head = JSON.parse(descriptor) as ProcessHead;
  // Again, although find() may have done it ahead: the folder may have been deleted and created again since.
  goTo(head.cwd);
  const { type, target } = foundAhead?.head === JSON.stringify({ ...head, name: "" })
    ? foundAhead.found
    : await find(head, labelOf(attachment));
  const process = type === undefined
    ? handleAt(space, attachment.at) as Process<unknown[]>
    // Runs the constructor of Process, which attaches, and not that of the subclass.
    : makeHandle(attachment, Process<unknown[]>, type);
  if (target !== undefined) setOwnTarget(space, record, target);
  const { args, fields } = await arrive(() => decode(rest, { keep: true }) as { args: unknown[]; fields?: object });
  // The payload is freed only now: if this process is killed before that, its starter drops the payload's references.
  freeBytes(space, record + PAYLOAD);
  dropReferences(rest);
  if (fields !== undefined) giveFields(process, fields);
  compareExchange(space.words, record + STATE, BOOTING, RUNNING);
  return await process.run(...args);
}

function fail(space: Space, record: number, error: unknown): void {
  writeOutcome(space, record, ERROR, error);
  console.error(`Process ${labelOf(new Attachment(space, objectOf(record)))}:`, error);
}

/** Waits for the threads that are not daemons, and for daemons that have started threads that are not and still run. */
async function threadsEnded(): Promise<void> {
  const space = existingSpace("thread")!;
  for (const thread of childRecords()) {
    addReference(space, objectOf(thread));
    const attempt = (): true | undefined => hasGone(space, thread) ? true : undefined;
    await waitAsync<boolean>({ space }, { point: thread + POINT, attempt, expired: () => false }, Infinity, undefined);
    dropReference(space, objectOf(thread));
  }
}

function hasGone(space: Space, thread: number): boolean {
  const { words } = space;
  if (load(words, thread + GONE) !== 0) return true;
  return (load(words, thread + FLAGS) & DAEMON) !== 0 && !hasOthersBelow(space, thread);
}

if (!isBundled) boot();
