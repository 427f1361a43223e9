/**
 * Spares: runtimes that are up already and wait until each is told which process to become.
 *
 * A spare has a mailbox in the processes' memory:
 *
 * ```text
 *   word 0   COMING -> READY -> TAKEN    the spare, then its starter
 *        1   the record                  its starter, before TAKEN
 * ```
 *
 * It has imported the library and sleeps on the first word. It is used once, so that a process is as fresh as with
 * `"spawn"`. A process with an environment or permissions of its own gets no spare, and neither does a process whose starter
 * has changed its own since the spare was started. A folder of its own is no hindrance: the spare goes there when it is told.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { type Space, spaceOf } from "../memory/space.ts";
import { isWorker, onExit } from "../runtime/this_thread.ts";
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
const RECORD = 1;
const MAILBOX_WORDS = 2;

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
  watched?: boolean;
}

const spares: Set<Spare> = new Set();
/** Calls off that the spares are given up. */
let keep: (() => void) | undefined;
let planned = false;
let watching = false;

/** What a child is told in its environment: its record, or the mailbox of a spare as a negative number. */
export function tell(record: number): string {
  showLifeline();
  return `${record} ${lifeline()} ${regionPath()}`;
}

/** Has a spare become the process of a record. `undefined`: there is none that could. */
export function takeSpare(space: Space, record: number): Spawned | undefined {
  const key = keyOf(runtimeCommand("inherit").args);
  let found: Spare | undefined;
  for (const spare of spares) {
    if (!isThere(spare)) {
      spares.delete(spare);
      watchForEnd(space, spare);
    } else if (spare.key !== key) {
      drop(space, spare);
    } else if (found === undefined || load(space.words, found.mailbox) !== READY) {
      found = spare;
    }
  }
  warmUp();
  if (found === undefined) return undefined;
  spares.delete(found);
  store(space.words, found.mailbox + RECORD, record);
  store(space.words, found.mailbox, TAKEN);
  space.memory.notify(found.mailbox, 1);
  watchForEnd(space, found);
  return found.process;
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
  let unseen: Spawned | undefined;
  let process: Spawned;
  try {
    const options = { args, cwd, env: { [VARIABLE]: tell(-mailbox) } };
    unseen = isWorker() ? undefined : spawnUnseen(options);
    process = unseen ?? spawn(options);
  } catch (error) {
    // Nothing was started that could look there.
    space.free(mailbox);
    throw error;
  }
  process.setRef(false);
  const spare: Spare = { process, mailbox, key };
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
    spares.delete(spare);
    space.free(spare.mailbox);
  });
}

// Asked in two ways: while the last threads of a killed process are on their way out, it is no child that has ended yet.
function isThere({ process }: Spare): boolean {
  const calls = loadProcessCalls("start process");
  return calls.exitOf(process.pid) === undefined && calls.exitOfOther(process.pid) === undefined;
}

function drop(space: Space, spare: Spare): void {
  spares.delete(spare);
  watchForEnd(space, spare);
  // Where it is gone, the system may have given its number to another process.
  if (load(space.words, spare.mailbox) !== TAKEN && isThere(spare)) {
    loadProcessCalls("end process").signal(spare.process.pid, SIGKILL);
  }
}

function keyOf(args: readonly string[]): string {
  // Deno gives the variables in another order each time.
  return JSON.stringify([args, Object.entries(environment()).sort()]);
}

/** In a spare: waits until it is taken, and returns the record of the process that it becomes. */
export function waitForRecord(space: Space, mailbox: number): number {
  const { words, memory } = space;
  compareExchange(words, mailbox, COMING, READY);
  while (load(words, mailbox) !== TAKEN) memory.wait(mailbox, READY, SLICE_MS);
  return load(words, mailbox + RECORD);
}
