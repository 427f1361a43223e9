/**
 * Starts processes, learns of the end of the processes that this thread has started, and ends the children of this
 * process when it ends.
 *
 * @module
 */

import { load, now, store } from "../atomics.ts";
import { addReference, dropReference, onRelease } from "../memory/shared_object.ts";
import { hasReferences } from "../codec/format.ts";
import { existingSpace, type Space, spaceOf } from "../memory/space.ts";
import { waitAsync } from "../memory/wait.ts";
import { isWorker, onExit, onLoopEmpty } from "../runtime/this_thread.ts";
import { readModule } from "../runtime/modules.ts";
import { spawn, type Spawned } from "../runtime/spawn.ts";
import { SIGKILL, SIGTERM } from "../system/calls.ts";
import { loadProcessCalls } from "../system/system.ts";
import { onEnding } from "../work/ending.ts";
import { BOOTING, DAEMON, FLAGS, objectOf, PARENT, PAYLOAD, POINT, readBytes, STATE } from "../work/record.ts";
import {
  type Descriptors,
  lookAtStart,
  lookLater,
  modulesOf,
  packPayload,
  type ProcessHead,
  unpackPayload,
} from "../work/starting.ts";
import { noteEnd, takeSpare, tell } from "./forkserver.ts";
import {
  addChild,
  childrenOf,
  ensureOwnRecord,
  finishProcess,
  hasProcessEnded,
  ownRecord,
  PID,
  removeChild,
} from "./process_record.ts";
import { leaveRegion } from "./region.ts";
import { type Requested, runtimeCommand, VARIABLE } from "./runtime_command.ts";
import { signalAgain, signalProcess, untilAnswered } from "./signal.ts";
import { spawnWithoutMemory } from "./unseen.ts";

/** How a process is started. */
interface LaunchOptions {
  readonly method: "spawn" | "forkserver";
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly cwd: string;
  readonly permissions: "inherit" | Requested;
  /** What it runs. */
  readonly descriptors: Descriptors;
  /** What it runs, and in which folder, as a text that is the same for all processes that begin in the same way. */
  readonly alike: string;
}

interface Child {
  readonly process: Spawned;
  readonly space: Space;
  readonly descriptors: Descriptors;
}

/** The processes that this thread has started and whose end it has not learned of, by their records. */
const children: Map<number, Child> = new Map();
let watching = false;

/** Starts the process of a record that is BOOTING. If this throws, the record is not a child of this process. */
export function launchProcess(space: Space, record: number, options: LaunchOptions): void {
  const { words } = space;
  const parent = ensureOwnRecord(space);
  store(words, record + PARENT, parent);
  addReference(space, objectOf(parent));
  addReference(space, objectOf(record));
  addChild(space, parent, record);
  try {
    launch(space, record, options);
  } catch (error) {
    if (removeChild(space, parent, record)) dropReference(space, objectOf(record));
    store(words, record + PARENT, 0);
    dropReference(space, objectOf(parent));
    throw error;
  }
}

function launch(space: Space, record: number, options: LaunchOptions): void {
  const { method, env, permissions, descriptors, alike } = options;
  const spare = method === "forkserver" && env === undefined && permissions === "inherit";
  const process = (spare ? takeSpare(space, record, alike) : undefined) ?? fresh(space, record, options);
  store(space.words, record + PID, process.pid);
  signalAgain(space, record);
  children.set(record, { process, space, descriptors });
  // This reference is held until this thread learns of the end: before that, the list of children and all handles may
  // have given the record up.
  addReference(space, objectOf(record));
  process.setRef((load(space.words, record + FLAGS) & DAEMON) === 0);
  process.ended.then((code) => {
    noteEnd(alike);
    if (!children.delete(record)) return;
    finishProcess(space, record, code);
    forgetChild(space, record);
    dropReference(space, objectOf(record));
  });
  watchForEnd();
  lookLater(lookAtStarts);
}

// Reports modules that block the start of a process. The process cannot report them itself as long as it is blocked.
function lookAtStarts(patience: number): number {
  let next = Infinity;
  for (const [record, { space, descriptors }] of children) {
    if (load(space.words, record + STATE) !== BOOTING) continue;
    next = Math.min(next, lookAtStart(space, record, descriptors, patience));
  }
  return next;
}

// A thread that ends will not learn of the ends of its children. The other threads ask the system.
onRelease((space) => {
  for (const [record, child] of [...children]) {
    if (child.space === space && children.delete(record)) dropReference(space, objectOf(record));
  }
});

function fresh(space: Space, record: number, { env, cwd, permissions }: LaunchOptions): Spawned {
  const payload = readBytes(space, record + PAYLOAD)!;
  const modules = permissions === "inherit" ? [] : modulesFor(payload);
  const command = runtimeCommand(permissions, modules);
  if (!command.hasFfi) {
    if (hasReferences(unpackPayload(payload).rest)) {
      throw new TypeError(
        "Cannot start process as its arguments contain a shared object, and a process without the permission 'ffi' has no access to shared memory: grant it with permissions: { ffi: true, … }, or pass only values",
      );
    }
    return spawnWithoutMemory(space, record, { args: command.args, payload: withTexts(payload, modules), env, cwd });
  }
  return spawn({
    args: command.args,
    cwd: command.cwd,
    env: { ...env, [VARIABLE]: tell(record) },
  });
}

// The modules in which the process looks for its target and its class.
function modulesFor(payload: Uint8Array): string[] {
  const { type, target } = JSON.parse(unpackPayload(payload).descriptor) as ProcessHead;
  const modules = new Set<string>();
  for (const descriptor of [type, target]) {
    for (const each of descriptor === undefined ? [] : modulesOf(descriptor)) {
      if (/^(?:file|https?):/.test(each)) modules.add(each);
    }
  }
  return [...modules];
}

// Adds the texts of these modules to the payload. The process needs the texts to find its function, and may not read the files.
function withTexts(payload: Uint8Array, modules: readonly string[]): Uint8Array {
  const { descriptor, rest } = unpackPayload(payload);
  const texts: Record<string, string> = {};
  for (const module of modules) {
    const text = readModule(module);
    if (text !== undefined) texts[module] = text;
  }
  return packPayload(JSON.stringify({ ...JSON.parse(descriptor) as ProcessHead, texts }), rest);
}

/** If this thread has started the process: resolves when the runtime has taken note of the end of the process, too. */
export async function untilNoted(record: number): Promise<void> {
  const process = children.get(record)?.process;
  if (process === undefined) return;
  // A daemon does not keep the program alive, but a caller that waits here must.
  const busy = setInterval(() => {}, 2 ** 30);
  await process.ended.finally(() => clearInterval(busy));
}

/** Removes a child that is gone from the list of children, and drops the reference of the list. */
export function forgetChild(space: Space, record: number): void {
  if (removeChild(space, ownRecord(), record)) dropReference(space, objectOf(record));
}

// A thread that ends loses its runtime's handles of processes, which keep the program alive. So it first waits for its
// children that are not daemons.
onEnding(() => {
  untilAnswered();
  for (const [record, { space }] of children) {
    if ((load(space.words, record + FLAGS) & DAEMON) === 0) waitForAll(space, [record], Infinity);
  }
});

/** How many milliseconds the children have from SIGTERM to SIGKILL. */
const GRACE = 1000;

/** The longest sleep before a thread that waits for a child checks again whether it has ended. */
const SLICE_MS = 200;

/** Makes the running children end before this process does. They would be killed a moment after its end anyway. */
function watchForEnd(): void {
  if (watching || isWorker()) return;
  watching = true;
  onExit(() => {
    endChildren();
    // Only now, because the children also used the region.
    leaveRegion();
  });
}

// The processes that the main thread has started keep the program alive by themselves. A process that another thread has
// started may have outlived that thread, so the main thread waits for it.
if (!isWorker()) onLoopEmpty(holdForChildren);

function holdForChildren(): boolean {
  const own = ownRecord();
  if (own === 0) return false;
  const space = spaceOf("process");
  let held = false;
  for (const child of childrenOf(space, own)) {
    const isDaemon = (load(space.words, child + FLAGS) & DAEMON) !== 0;
    if (!isDaemon && !children.has(child) && !hasProcessEnded(space, child)) {
      held = true;
      void ended(space, child).finally(() => dropReference(space, objectOf(child)));
    } else {
      dropReference(space, objectOf(child));
    }
  }
  return held;
}

function ended(space: Space, child: number): Promise<boolean> {
  const attempt = (): true | undefined => hasProcessEnded(space, child) ? true : undefined;
  return waitAsync<boolean>({ space }, { point: child + POINT, attempt, expired: () => false }, Infinity, undefined);
}

/** Ends all running children. If the program ends by itself, all of these are daemons. */
export function endChildren(): void {
  const space = existingSpace("process");
  const own = ownRecord();
  if (space === undefined || own === 0) return;
  const running = childrenOf(space, own).filter((child) => !hasProcessEnded(space, child));
  for (const child of running) signalProcess(space, child, SIGTERM);
  untilAnswered();
  waitForAll(space, running, GRACE);
  for (const child of running) signalProcess(space, child, SIGKILL);
}

function waitForAll(space: Space, records: readonly number[], ms: number): void {
  const calls = loadProcessCalls("end process");
  const deadline = now() + ms;
  for (const record of records) {
    const descriptor = calls.openProcess(load(space.words, record + PID));
    while (!hasProcessEnded(space, record) && now() < deadline) {
      if (descriptor >= 0) calls.waitForEnd(descriptor, Math.min(SLICE_MS, Math.max(1, Math.ceil(deadline - now()))));
      else space.memory.wait(record + POINT, load(space.words, record + POINT), 5);
    }
    if (descriptor >= 0) calls.close(descriptor);
  }
}

/** In a process whose target has returned: waits for the children that are not daemons. */
export async function childrenEnded(space: Space): Promise<void> {
  const own = ownRecord();
  if (own === 0) return;
  for (const child of childrenOf(space, own)) {
    if ((load(space.words, child + FLAGS) & DAEMON) === 0) await ended(space, child);
    dropReference(space, objectOf(child));
  }
}
