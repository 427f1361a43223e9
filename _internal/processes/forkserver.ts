/**
 * Spares: runtimes that are up already and wait until each is told which process to become.
 *
 * A spare has a mailbox in the processes' memory:
 *
 * ```text
 *   word 0   COMING -> READY -> TAKEN               the spare; TAKEN its starter, from any but SPOILT
 *            COMING -> IMPORTING -> READY, SPOILT
 *        1   the record                                      its starter, before TAKEN
 *        2   a block with what it will run; 0: not known     its starter, before the start
 * ```
 *
 * It has imported the library and sleeps on the first word. Where a process runs the same as the last two, of which one has ended,
 * it has imported the modules of that as well, and is for that alone; a module that asks which process imports it, or throws, spoils the spare.
 * It is used once, so that a process is as fresh as with `"spawn"`, but for when its modules were imported. A process with an environment or permissions of its own gets no spare, and neither does a process whose starter
 * has changed its own since the spare was started. A folder of its own is no hindrance: the spare goes there when it is told.
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

/** The longest sleep of a spare. */
const SLICE_MS = 10_000;
/** How long spares wait before they are given up: milliseconds. */
const IDLE = 60_000;
/** How long the process that has just been started has the processors for itself before a spare comes up: milliseconds. */
const PAUSE = 15;
/** No more than so many spares at a time. */
const MOST = 4;

interface Spare {
  readonly process: Spawned;
  readonly mailbox: number;
  /** How it was started: a process that would be started in another way now cannot be made of it. */
  readonly key: string;
  /** What it imports ahead. */
  readonly head: string | undefined;
  watched?: boolean;
}

const spares: Set<Spare> = new Set();
/** Calls off that the spares are given up. */
let keep: (() => void) | undefined;
let planned = false;
let watching = false;
/** What the process ran that was started last, and what that which ended last. */
let lastHead = "";
let endedHead = "";
/** Whether the process that was started last ran what had been run before. */
let isRepeated = false;
/** What is not imported ahead: its modules ask which process it is that imports them, or throw. */
const spoilt: Set<string> = new Set();
/** What was imported ahead before. */
const proven: Set<string> = new Set();

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a child is told in its environment: its record, or the mailbox of a spare as a negative number. */
export function tell(record: number): string {
  showLifeline();
  return `${record} ${lifeline()} ${regionPath()}`;
}

/**
 * Has a spare become the process of a record. `undefined`: there is none that could.
 *
 * @param head What the process runs, and where.
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
  // The best first. A process whose spare still imports waits for it, and could not be told from a process that is stuck if these
  // modules had not come up elsewhere.
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
  // Those for something else keep others from coming up.
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

/** A process has ended that ran this. */
export function noteEnd(head: string): void {
  endedHead = head;
}

/** Sees to it that there are spares, soon. */
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

/** Starts the spares that are planned: also called by a thread that is about to block. */
export function replenish(): void {
  if (!planned) return;
  planned = false;
  try {
    const { args, cwd } = runtimeCommand("inherit");
    const key = keyOf(args);
    while (spares.size < Math.min(MOST, Math.max(2, cpuCount()))) startSpare(args, cwd, key);
  } catch {
    // What cannot be had now is missed by the next start, which says so.
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
    // Nothing was started that could look there.
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

// The mailbox of a spare is not used again before the spare is gone: until then it may look there.
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

// Asked in two ways: while the last threads of a killed process are on their way out, it is no child that has ended yet.
function isThere({ process }: Spare): boolean {
  const calls = loadProcessCalls("start process");
  return calls.exitOf(process.pid) === undefined && calls.exitOfOther(process.pid) === undefined;
}

function drop(space: Space, spare: Spare): void {
  forget(space, spare);
  // Where it is gone, the system may have given its number to another process.
  if (load(space.words, spare.mailbox) !== TAKEN && isThere(spare)) {
    loadProcessCalls("end process").signal(spare.process.pid, SIGKILL);
  }
}

function keyOf(args: readonly string[]): string {
  // Deno gives the variables in another order each time.
  return JSON.stringify([args, Object.entries(environment()).sort()]);
}

/**
 * In a spare: waits until it is taken, and resolves to the record of the process that it becomes.
 *
 * @param importAhead Imports what the process will run, as far as that is known. What it throws spoils the spare, and so does the
 * function that it is given: `true` if the process has not come, so that this one is to end.
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
    // The process may have come meanwhile, and then hears of all that by itself.
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
