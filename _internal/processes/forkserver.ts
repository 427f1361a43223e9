/**
 * Spares, for the start method `"forkserver"`: runtimes that are already up and wait to become a process.
 *
 * A spare has a mailbox in the processes' memory:
 *
 * ```text
 *   word                                                     written by
 *   0   the state: COMING -> READY                           the spare
 *                  COMING -> IMPORTING -> READY or SPOILT    the spare
 *                  any but SPOILT -> TAKEN                   its starter
 *   1   the record of the process                            its starter, before TAKEN
 *   2   a block with what it will run; 0: not known          its starter, before it starts the spare
 * ```
 *
 * A spare imports the library and sleeps on word 0. It is used once. So a process is as fresh as with `"spawn"`, except that
 * its modules may have been imported before it was started.
 *
 * If two processes in a row have run the same, and such a process has ended, the next spares import the modules of that ahead,
 * and can then run nothing else. A module that throws, or asks which process imports it, spoils such a spare.
 *
 * Some processes get no spare: a process with its own environment or permissions, and a process whose starter has changed its
 * own environment or permissions since the spare was started. A process with its own folder can get a spare, which changes to
 * that folder.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { type Space, spaceOf } from "../memory/space.ts";
import { exitProcess, isWorker, onExit } from "../runtime/this_thread.ts";
import { cpuCount, environment, later } from "../runtime/runtime.ts";
import { spawn, type Spawned } from "../runtime/spawn.ts";
import { SIGKILL } from "../system/calls.ts";
import { loadProcessCalls } from "../system/system.ts";
import { lifeline, showLifeline } from "./lifeline.ts";
import { regionPath } from "./region.ts";
import { runtimeCommand, VARIABLE } from "./runtime_command.ts";
import { spawnUnseen } from "./unseen.ts";

const COMING = 0;
const READY = 1;
const TAKEN = 2;
const IMPORTING = 3;
const SPOILT = 4;
const RECORD = 1;
const HEAD = 2;
const MAILBOX_WORDS = 3;

/** The longest sleep of a spare before it reads its state again. */
const SLICE_MS = 10_000;
/** How many milliseconds after the last start the spares are ended. */
const IDLE = 60_000;
/** How many milliseconds after the start of a process new spares are started, so that they do not slow the process down. */
const PAUSE = 15;
/** The most spares at a time. */
const MOST = 4;

interface Spare {
  readonly process: Spawned;
  readonly mailbox: number;
  /** The arguments and environment with which it was started. It cannot become a process that needs others. */
  readonly key: string;
  /** What it imports ahead, and then runs; `undefined`: it can run anything. */
  readonly head: string | undefined;
  watched?: boolean;
}

const spares: Set<Spare> = new Set();
/** Cancels the timer that ends the spares. */
let keep: (() => void) | undefined;
let planned = false;
let watching = false;
/** What the process runs that was started last. */
let lastHead = "";
/** What the process ran that ended last. */
let endedHead = "";
/** Whether the process that was started last runs the same as the process before it and as the process that ended last. */
let isRepeated = false;
/** What is not imported ahead any more, because its modules throw or ask which process imports them. */
const spoilt: Set<string> = new Set();
/** What some spare has imported ahead to the end. */
const proven: Set<string> = new Set();

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The value of a child's environment variable. `record` is its record, or the mailbox of a spare as a negative number. */
export function tell(record: number): string {
  showLifeline();
  return `${record} ${lifeline()} ${regionPath()}`;
}

/**
 * Makes a spare become the process of a record, and returns it. `undefined`: there is no spare for this process.
 *
 * @param head What the process runs, and in which folder.
 */
export function takeSpare(space: Space, record: number, head: string): Spawned | undefined {
  isRepeated = head === lastHead && head === endedHead;
  lastHead = head;
  const key = keyOf(runtimeCommand("inherit").args);
  for (const spare of spares) {
    if (!isThere(spare)) {
      forget(space, spare);
    } else if (spare.key !== key || isRepeated && spare.head !== undefined && spare.head !== head) {
      drop(space, spare);
    }
  }
  warmUp();
  const usable = [...spares].filter((spare) => spare.head === undefined || spare.head === head);
  // The best spare comes first. A process whose spare is still importing waits for that to end, and cannot report a
  // module that is stuck. So such a spare is taken only if some spare has imported the same modules to the end before.
  const importing = proven.has(head) ? IMPORTING : COMING;
  for (
    const [state, its] of [
      [READY, head],
      [READY, undefined],
      [importing, head],
      [COMING, head],
      [COMING, undefined],
    ] as const
  ) {
    const found = usable.find((spare) => spare.head === its && take(space, spare, state, record));
    if (found !== undefined && state === READY && its === head) proven.add(head);
    if (found !== undefined) return found.process;
  }
  // All spares are for something else. End them, so that useful spares can be started in their place.
  if (usable.length === 0) { for (const spare of spares) drop(space, spare); }
  return undefined;
}

function take(space: Space, spare: Spare, state: number, record: number): boolean {
  const { words, memory } = space;
  store(words, spare.mailbox + RECORD, record);
  if (compareExchange(words, spare.mailbox, state, TAKEN) !== state) return false;
  spares.delete(spare);
  memory.notify(spare.mailbox, 1);
  watchForEnd(space, spare);
  return true;
}

/** Notes that a process that ran this has ended. */
export function noteEnd(head: string): void {
  endedHead = head;
}

/** Plans the start of spares for a moment later, and postpones the end of the spares that there are. */
export function warmUp(): void {
  keep?.();
  keep = later(() => {
    const space = spaceOf("process");
    for (const spare of spares) drop(space, spare);
  }, IDLE);
  if (planned) return;
  planned = true;
  later(replenish, PAUSE);
}

/** Starts the planned spares now. Also called by a thread that is about to block, since its timers do not run meanwhile. */
export function replenish(): void {
  if (!planned) return;
  planned = false;
  try {
    const { args, cwd } = runtimeCommand("inherit");
    const key = keyOf(args);
    while (spares.size < Math.min(MOST, Math.max(2, cpuCount()))) startSpare(args, cwd, key);
  } catch {
    // The caller did not ask for a spare. The next start fails for the same reason, and reports it.
  }
}

function startSpare(args: readonly string[], cwd: string | undefined, key: string): void {
  const space = spaceOf("process");
  const mailbox = space.allocate(MAILBOX_WORDS, "start process");
  const head = isRepeated && !spoilt.has(lastHead) ? lastHead : undefined;
  let unseen: Spawned | undefined;
  let process: Spawned;
  try {
    if (head !== undefined) store(space.words, mailbox + HEAD, space.writeBlock(encoder.encode(head), "start process"));
    const options = { args, cwd, env: { [VARIABLE]: tell(-mailbox) } };
    unseen = isWorker() ? undefined : spawnUnseen(options);
    process = unseen ?? spawn(options);
  } catch (error) {
    // No spare was started that could read the mailbox.
    freeMailbox(space, mailbox);
    throw error;
  }
  process.setRef(false);
  const spare: Spare = { process, mailbox, key, head };
  spares.add(spare);
  if (unseen === undefined) watchForEnd(space, spare);
  if (watching) return;
  watching = true;
  onExit(() => {
    for (const spare of spares) drop(space, spare);
  });
}

// Frees the mailbox of a spare when the spare is gone, and not before: until then the spare may read it.
function watchForEnd(space: Space, spare: Spare): void {
  if (spare.watched) return;
  spare.watched = true;
  spare.process.ended.then(() => {
    noteSpoilt(space, spare);
    spares.delete(spare);
    freeMailbox(space, spare.mailbox);
  });
}

function freeMailbox(space: Space, mailbox: number): void {
  const head = load(space.words, mailbox + HEAD);
  if (head !== 0) space.free(head);
  space.free(mailbox);
}

function noteSpoilt({ words }: Space, { head, mailbox }: Spare): void {
  if (head !== undefined && load(words, mailbox) === SPOILT) spoilt.add(head);
}

function forget(space: Space, spare: Spare): void {
  noteSpoilt(space, spare);
  spares.delete(spare);
  watchForEnd(space, spare);
}

// Asks in two ways: until the last thread of a killed process has exited, only the second shows that the process has ended.
function isThere({ process }: Spare): boolean {
  const calls = loadProcessCalls("start process");
  return calls.exitOf(process.pid) === undefined && calls.exitOfOther(process.pid) === undefined;
}

function drop(space: Space, spare: Spare): void {
  forget(space, spare);
  // If it is gone, the system may have given its pid to another process, which must not be killed.
  if (load(space.words, spare.mailbox) !== TAKEN && isThere(spare)) {
    loadProcessCalls("end process").signal(spare.process.pid, SIGKILL);
  }
}

function keyOf(args: readonly string[]): string {
  // Sorted, because Deno returns the variables in a different order each time.
  return JSON.stringify([args, Object.entries(environment()).sort()]);
}

/**
 * In a spare: waits until it is taken, and resolves to the record of the process that it becomes.
 *
 * @param importAhead Imports the modules of what the process will run, if that is known. If it throws, the spare is spoilt. It
 * can also call `spoil`, which returns `true` if the spare was not taken yet: then this runtime must end.
 */
export async function waitForRecord(
  space: Space,
  mailbox: number,
  importAhead: (head: string, spoil: () => boolean) => Promise<void>,
): Promise<number> {
  const { words, memory } = space;
  const head = load(words, mailbox + HEAD);
  if (head === 0) {
    compareExchange(words, mailbox, COMING, READY);
  } else if (compareExchange(words, mailbox, COMING, IMPORTING) === COMING) {
    // If the spare was taken meanwhile, it does not end. The process imports the modules again, and gets the same error.
    const spoil = (): boolean => compareExchange(words, mailbox, IMPORTING, SPOILT) === IMPORTING;
    try {
      await importAhead(decoder.decode(space.readBlock(head)), spoil);
    } catch {
      if (spoil()) exitProcess(0);
    }
    compareExchange(words, mailbox, IMPORTING, READY);
  }
  while (load(words, mailbox) !== TAKEN) memory.wait(mailbox, READY, SLICE_MS);
  return load(words, mailbox + RECORD);
}
