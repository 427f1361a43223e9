/**
 * The life of a thread, inside its worker.
 *
 * @module
 */

import { compareExchange, load, now, store } from "../atomics.ts";
import { decode } from "../codec/mod.ts";
import { addReference, Attachment, handleAt, releaseHandles } from "../memory/shared_object.ts";
import { Space } from "../memory/space.ts";
import { existingSpace, setSpace } from "../memory/spaces.ts";
import { ThreadMemory } from "../memory/thread_memory.ts";
import { block } from "../memory/wait_point.ts";
import { exitThread } from "../runtime/exit.ts";
import { onLastWords } from "../runtime/last_words.ts";
import { systemThreadId } from "../runtime/system_thread.ts";
import { onParentMessage, postToParent } from "../runtime/worker.ts";
import { arrive } from "../targets/arrivals.ts";
import { resolveSubclass, resolveTarget } from "../targets/resolve.ts";
import { KILL, leave } from "../memory/participants.ts";
import "../../sync/mod.ts";
import { reportError } from "../../threading/except_hook.ts";
import { setTarget, Thread } from "../../threading/thread.ts";
import { waitForEndings } from "./endings.ts";
import { labelOf } from "./name.ts";
import { type Descriptors, unpackPayload } from "./payload.ts";
import {
  BOOTING,
  CANCELLED,
  DAEMON,
  ERROR,
  EXIT_CODE,
  finish,
  FLAGS,
  freeBytes,
  objectOf,
  PAYLOAD,
  POINT,
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
} from "./record.ts";
import {
  attendAll,
  childRecords,
  forgetChildren,
  hasOthersBelow,
  type Init,
  isBusy,
  type Report,
  terminateThread,
} from "./start.ts";

/** How long a worker that ends by force waits for those it started, which die with it. */
const LAST_WAIT = 2000;

/** Waits for the first message and then runs the thread that it names. */
export function boot(): void {
  onParentMessage((message) => void run(message as Init));
}

async function run(init: Init): Promise<void> {
  const space = new Space(new ThreadMemory(init.buffer), init.id, exitThread);
  const { record } = init;
  setSpace(space);
  store(space.words, record + SYSTEM_ID, systemThreadId());
  let over = false;
  onLastWords({
    exit: (code) => {
      if (over) return;
      over = true;
      store(space.words, record + EXIT_CODE, code);
      end(space, record);
      for (const child of childRecords()) terminateThread(space, child);
      waitForChildren(space, () => false, now() + LAST_WAIT);
      forgetAll(space);
      vanish(space, record);
    },
    uncaught: (error) => {
      fail(space, record, error);
      exitThread();
    },
  });
  // An idle thread, or one that awaits something else than this library, hears of it here.
  space.memory.listen(space.entry + KILL, () => {
    if (space.isKilled()) exitThread();
  });
  try {
    if (init.processes) await import("../../multiprocessing/mod.ts");
    const value = await runTarget(space, record);
    writeOutcome(space, record, VALUE, value);
  } catch (error) {
    fail(space, record, error);
  }
  over = true;
  end(space, record);
  // Blocked from here on, so that no timer and no callback of the program runs in a thread that has ended.
  waitForEndings();
  waitForChildren(space, (child) => isDaemonAlone(space, child), Infinity);
  if (childRecords().length > 0) {
    report("unref");
    waitForChildren(space, () => false, Infinity);
  }
  forgetAll(space);
  report("over");
  vanish(space, record);
  exitThread();
}

async function runTarget(space: Space, record: number): Promise<unknown> {
  const { descriptor, rest } = unpackPayload(readBytes(space, record + PAYLOAD)!);
  const attachment = new Attachment(space, objectOf(record));
  const { type, target } = JSON.parse(descriptor) as Descriptors;
  // With a subclass: runs the constructor of Thread, which attaches, and not that of the subclass.
  const thread = type === undefined
    ? handleAt(space, attachment.at) as Thread<unknown[]>
    : Reflect.construct(Thread, [attachment], await resolveSubclass(type, labelOf(attachment))) as Thread<unknown[]>;
  // A handle that is made in this way takes over a reference, which handleAt() would have added.
  if (type !== undefined) addReference(space, attachment.at);
  if (target !== undefined) setTarget(thread, await resolveTarget(target, labelOf(attachment)));
  // Only now are the references in it taken over: had no module been found, the record would give them back.
  freeBytes(space, record + PAYLOAD);
  const { args, fields, delay } = await arrive(() =>
    decode(rest) as { args: unknown[]; fields?: object; delay?: number }
  );
  if (fields !== undefined) Object.assign(thread, fields);
  if (compareExchange(space.words, record + STATE, BOOTING, RUNNING) !== BOOTING) exitThread();
  if ((load(space.words, record + FLAGS) & TIMER) !== 0 && isCancelledWithin(space, record, delay ?? 0)) {
    return undefined;
  }
  return await thread.run(...args);
}

function isCancelledWithin(space: Space, record: number, delay: number): boolean {
  return block(
    space,
    record + POINT,
    () => (load(space.words, record + FLAGS) & CANCELLED) !== 0 ? true : undefined,
    now() + delay,
  ) ?? false;
}

function fail(space: Space, record: number, error: unknown): void {
  writeOutcome(space, record, ERROR, error);
  const thread = (): Thread<unknown[]> => handleAt(space, objectOf(record)) as Thread<unknown[]>;
  if (!reportError(space, record, error, thread)) return;
  setFlags(space, record, UNREPORTED);
  report("failed");
}

/** Everything that this thread held is up for others from here on. */
function end(space: Space, record: number): void {
  releaseHandles(space);
  const processes = existingSpace("process");
  if (processes !== undefined) {
    releaseHandles(processes);
    leave(processes.memory, processes.id);
  }
  finish(space, record);
}

function isDaemonAlone(space: Space, child: number): boolean {
  return (load(space.words, child + FLAGS) & DAEMON) !== 0 && !hasOthersBelow(space, child);
}

function waitForChildren(space: Space, spared: (child: number) => boolean, deadline: number): void {
  for (;;) {
    attendAll();
    const waited = childRecords().filter((child) => !(spared(child) && isBusy(space, child)));
    if (waited.length === 0 || now() > deadline) return;
    // Not through the wait point's queue: this thread is off the table of participants, its entry may be another's.
    space.memory.wait(waited[0] + POINT, load(space.words, waited[0] + POINT), 20);
  }
}

// Giving memory back takes a mutex, and who holds one must be on the table.
function forgetAll(space: Space): void {
  const janitor = Space.join(space.memory, 0, exitThread);
  forgetChildren(janitor);
  leave(space.memory, janitor.id);
}

function report(report: Report): void {
  postToParent(report);
}
