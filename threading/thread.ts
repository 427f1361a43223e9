/**
 * Threads, and timers, which are threads that wait before they run.
 *
 * @module
 */

import { add, compareExchange, load, now, store } from "../_internal/atomics.ts";
import { InvalidStateError, WorkerLostError } from "../_internal/errors.ts";
import { defineKind, registerClass, THREAD } from "../_internal/memory/kinds.ts";
import { OBJECT_HEADER, THREAD_NAMES_AT } from "../_internal/memory/memory.ts";
import { entryOf, isAlive, RECORD } from "../_internal/memory/participants.ts";
import {
  dropReference,
  handleAt,
  isArriving,
  type Place,
  placeOf,
  type SharedHandle,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { type Space, spaceOf } from "../_internal/memory/space.ts";
import { type Wait, waitSync } from "../_internal/memory/wait.ts";
import { EVERYBODY, notify } from "../_internal/memory/wait_point.ts";
import { deadlineOf, show } from "../_internal/options.ts";
import { requireIdentity } from "../_internal/runtime/this_thread.ts";
import type { TargetDescriptor } from "../_internal/targets/describe.ts";
import { attend, launchThread, onFailure, terminateThread } from "../_internal/threads/start_thread.ts";
// Not used here: it makes the worker's modules part of the program's graph, so that Deno has them when the main thread
// blocks right after start().
import "../_internal/threads/worker_entry.ts";
import { callHook, hasHook } from "../_internal/work/ending.ts";
import {
  CANCELLED,
  clearFlags,
  ERROR,
  EXIT_CODE,
  FINISHED,
  FLAGS,
  FOREIGN,
  HOOKED,
  IDENT,
  objectOf,
  OUTCOME,
  PARENT,
  POINT,
  readName,
  readOutcome,
  RECORD_WORDS,
  RESULT_ASKED,
  RUNNING,
  setFlags,
  STATE,
  takeRecord,
  TIMER,
  UNREPORTED,
  writeName,
} from "../_internal/work/record.ts";
import { destroyRecord, Runner, type RunnerKind } from "../_internal/work/runner.ts";
import { lookIfDue, nextLook } from "../_internal/work/starting.ts";

/** How a {@linkcode Thread} is made. */
export interface ThreadOptions<A extends unknown[], R> {
  /** What the thread runs: see the package's documentation for which functions can. Without one, nothing. */
  target?: (...args: A) => R | Promise<R>;
  /** The target's arguments, copied at {@linkcode Thread.start} as `structuredClone` would; shared objects stay shared. */
  args?: A;
  /** A label, for people. By default `Thread-1 (target)`. */
  name?: string;
  /** Whether the program may end while the thread runs. By default as for the thread that makes it. */
  daemon?: boolean;
}

/**
 * A function that runs at the same time as the rest of the program, in a worker of its own.
 *
 * The worker imports the target's module anew: module variables are not shared (they are thread-local storage, so to
 * speak), the objects of this package are. Where a thread runs what another ran that has ended, a spare worker imports the
 * module before the next thread comes: the top level of a module may run earlier, and more often, than threads are started.
 *
 * What the starter wrote to shared memory before {@linkcode Thread.start} is visible to the thread's function; what the thread
 * wrote is visible to the threads that have joined it. A handle can be sent to other threads, which may join or terminate the
 * thread too.
 *
 * The program ends when the main module has and every thread that is not a daemon. A thread that ends while it holds a
 * lock leaves it to the next waiter, with `guard.abandoned`.
 *
 * Python: `threading.Thread`.
 *
 * @example
 * ```ts
 * import { Thread } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number): number {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   const thread = new Thread({ target: square, args: [7] }).start();
 *   assertEquals(await thread.result(), 49);
 * }
 * ```
 *
 * @example A subclass, which must be exported
 * ```ts
 * import { Thread } from "@weft/concurrent/threading";
 *
 * export class Greeter extends Thread {
 *   who = "world";
 *   override run(): void {
 *     console.log(`hello ${this.who}`);
 *   }
 * }
 *
 * if (import.meta.main) {
 *   await using _greeter = new Greeter().start();
 * }
 * ```
 */
export class Thread<A extends unknown[] = unknown[], R = unknown> extends Runner<A, R> {
  readonly #place: Place = placeOf(this);

  /**
   * Makes a thread that has not started.
   *
   * @throws {TypeError} If an option is of the wrong kind.
   * @throws {TargetError} If the target cannot run in another thread, as far as that can be seen from here.
   */
  constructor(options?: ThreadOptions<A, R>) {
    super(threads, options);
  }

  /** A number that no other thread of the program has or had; `undefined` before the start. The main thread's is 1. */
  get ident(): number | undefined {
    if (this.#place.at < 0) unusable(this, "tell the number of thread");
    return load(this.#place.words, this.#place.at + IDENT) || undefined;
  }

  /**
   * Ends the thread, and those that it started: at once where it waits or idles in its event loop, else at its next call
   * into this library or turn of its loop (Bun also stops code that runs; Deno cannot). A thread that calls it for itself ends
   * at that. No `finally` of the thread runs. {@linkcode Thread.join} resolves when it can run no more, and only then are its
   * locks up for other threads. Of a thread that has returned, those end that it started; a thread that was not started is left
   * as it is.
   *
   * Python has no counterpart: ask a thread to stop with an {@linkcode Event} at which it can look.
   *
   * @throws {InvalidStateError} For the main thread, which ends with the program.
   */
  terminate(): void {
    const { space, words, at } = this.#place;
    if (at < 0) unusable(this, "terminate thread");
    if (load(words, at + IDENT) === 1) {
      throw new InvalidStateError(
        `Cannot terminate "${readName(space, at)}" as it is the main thread, which ends with the program: exit there`,
      );
    }
    terminateThread(space, at);
  }
}

// How many milliseconds a timer waits before it runs its target. Not in a private field: a class that has one cannot be sent, and
// nor could a subclass with its own `run()`.
const delays = new WeakMap<object, number>();

/**
 * Runs a function after a while, on a thread of its own.
 *
 * The time counts from when the thread is up, after {@linkcode Thread.start}.
 *
 * Python: `threading.Timer`.
 *
 * @example
 * ```ts
 * import { Timer } from "@weft/concurrent/threading";
 *
 * const timer = new Timer(60_000, console.log, ["too late"]).start();
 * timer.cancel();
 * await timer.join();
 * ```
 */
export class Timer<A extends unknown[] = unknown[], R = unknown> extends Thread<A, R> {
  /**
   * Makes a timer that has not started.
   *
   * @param ms Milliseconds to wait; `Infinity`: until it is cancelled.
   * @param fn What runs then: any function that a {@linkcode Thread} takes.
   * @param args The function's arguments.
   * @throws {TypeError} If `ms` is not a number, or `fn` is not a function.
   * @throws {RangeError} If `ms` is negative or NaN.
   * @throws {TargetError} If the function cannot run in another thread, as far as that can be seen from here.
   */
  constructor(ms: number, fn: (...args: A) => R | Promise<R>, args?: A) {
    const arrives = isArriving();
    if (!arrives) validateTimer(ms, fn);
    super({ target: fn, args });
    const { space, at } = placeOf(this);
    if (arrives || at < 0) return;
    delays.set(this, ms);
    setFlags(space, at, TIMER);
  }

  /** Keeps the function from running, if it has not begun; the thread then ends at once. */
  cancel(): void {
    // Not of a private field: in its worker, a subclass is made by the constructor of Thread alone.
    const { space, at } = placeOf(this);
    if (at < 0) unusable(this, "cancel timer");
    setFlags(space, at, CANCELLED);
    notify(space, at + POINT, EVERYBODY);
  }
}

function validateTimer(ms: unknown, fn: unknown): void {
  if (typeof ms !== "number") {
    throw new TypeError(`Cannot create timer as 'ms' must be a number: received ${show(ms)}`);
  }
  if (!(ms >= 0)) throw new RangeError(`Cannot create timer as 'ms' must be zero or more: received ${ms}`);
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot create timer as 'fn' must be a function: received ${show(fn)}`);
  }
}

// What threads have of their own, beside what a Runner does for them.

const threads: RunnerKind = {
  label: "thread",
  type: Thread,
  kind: THREAD,
  words: RECORD_WORDS,
  options: [],
  validate() {},
  nameOf(given, target, { words }) {
    if (given !== undefined) return given;
    const label = target === undefined || target.name === "" ? "" : ` (${target.name})`;
    return `Thread-${add(words, THREAD_NAMES_AT, 1) + 1}${label}`;
  },
  ownRecord({ words, entry }) {
    requireIdentity();
    return load(words, entry + RECORD);
  },
  prepare(thread, descriptors) {
    const { space, at } = placeOf(thread);
    const delay = delays.get(thread) ?? 0;
    return {
      head: descriptors,
      more: delay > 0 ? { delay } : undefined,
      launch: () => {
        if (hasHook()) setFlags(space, at, HOOKED);
        ensureRecord(space, space.id);
        launchThread(space, at, thread, descriptors);
      },
    };
  },
  hasEnded,
  waitUntilEnded(space, record, timeout, target) {
    const { words } = space;
    const id = load(words, record + IDENT);
    const isDownloaded = isRemote(target) || isRemoteUrl(import.meta.url);
    const end: Wait<boolean> = {
      point: record + POINT,
      attempt(woken) {
        if (woken > 0) attend(record, id, isDownloaded);
        return hasEnded(space, record) ? true : undefined;
      },
      expired: () => false,
    };
    const deadline = deadlineOf(timeout);
    for (;;) {
      const ended = waitSync(space, end, Math.max(0, Math.min(deadline, nextLook()) - now()));
      if (ended || now() >= deadline) {
        reportFailure(space, record);
        return ended;
      }
      lookIfDue();
    }
  },
  waited: reportFailure,
  endingOf: ({ words }, record) =>
    load(words, record + OUTCOME) === ERROR ? {} : { exitCode: load(words, record + EXIT_CODE) },
  lostError({ words }, record, label) {
    const exitCode = load(words, record + EXIT_CODE);
    return new WorkerLostError(
      `Cannot get the result of thread "${label}" (ident ${
        load(words, record + IDENT)
      }) as it was terminated or exited before its target returned: exit code ${exitCode}`,
      { exitCode, worker: label },
    );
  },
};

function hasEnded(space: Space, record: number): boolean {
  const state = load(space.words, record + STATE);
  if (state === FINISHED) return true;
  // The main thread, and a worker that adopted an object, does not write its state when it ends.
  return (load(space.words, record + FLAGS) & FOREIGN) !== 0 &&
    !isAlive(space.memory, load(space.words, record + IDENT));
}

// Calls the except hook, once: when a thread that this thread started says that it failed, or where this thread joins it
// before its event loop gets to that.
function reportFailure(space: Space, record: number): void {
  const { words } = space;
  if ((load(words, record + FLAGS) & UNREPORTED) === 0 || load(words, record + PARENT) !== space.id) return;
  if (!clearFlags(space, record, UNREPORTED) || (load(words, record + FLAGS) & RESULT_ASKED) !== 0) return;
  callHook(space, record, readOutcome(space, record));
}

onFailure((thread) => {
  const { space, at } = placeOf(thread as SharedHandle);
  reportFailure(space, at);
});

function isRemote(target: TargetDescriptor | undefined): boolean {
  return target !== undefined && "module" in target && target.module !== undefined && isRemoteUrl(target.module);
}

function isRemoteUrl(url: string): boolean {
  return /^(https?|jsr|npm):/.test(url);
}

/** Makes a record for a thread that this library did not start: the main thread, or a worker that adopted an object. */
export function ensureRecord(space: Space, id: number): void {
  requireIdentity();
  const { words } = space;
  const entry = entryOf(id);
  if (load(words, entry + RECORD) !== 0) return;
  const at = space.allocate(OBJECT_HEADER + RECORD_WORDS, "start thread");
  const record = at + OBJECT_HEADER;
  // One reference for as long as the thread lives, which is not known to end.
  store(words, at, THREAD);
  store(words, at + 1, 1);
  store(words, record + IDENT, id);
  store(words, record + FLAGS, FOREIGN);
  store(words, record + STATE, RUNNING);
  writeName(space, record, id === 1 ? "MainThread" : `Dummy-${id}`);
  // Another thread may have asked for the main thread at the same time.
  if (compareExchange(words, entry + RECORD, 0, record) !== 0) dropReference(space, at);
}

/** The handle of a thread by its id, while it lives. */
export function threadOf(space: Space, id: number): Thread<unknown[]> | undefined {
  const record = isAlive(space.memory, id) ? takeRecord(space, id) : 0;
  if (record === 0) return undefined;
  const handle = handleAt(space, objectOf(record)) as Thread<unknown[]>;
  dropReference(space, objectOf(record));
  return handle;
}

/** The calling thread's view of the threads' memory. */
export function threadSpace(): Space {
  return spaceOf("thread");
}

registerClass("thread", THREAD, Thread);
defineKind(THREAD, {
  destroy: destroyRecord,
  readiness: (space, at) => ({ points: [at + POINT], isReady: () => hasEnded(space, at) }),
});
