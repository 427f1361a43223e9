/**
 * Threads, and timers: threads that wait before they run their target.
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
import { ALL_SLEEPERS, notify } from "../_internal/memory/wait_point.ts";
import { deadlineOf, show } from "../_internal/options.ts";
import { requireIdentity } from "../_internal/runtime/this_thread.ts";
import type { TargetDescriptor } from "../_internal/targets/describe.ts";
import { attend, launchThread, onFailure, terminateThread } from "../_internal/threads/start_thread.ts";
// Nothing of it is used here. The import puts the worker's modules into the program's graph, so that Deno has loaded them
// even if the main thread blocks right after start().
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

/** Options of {@linkcode Thread}. */
export interface ThreadOptions<A extends unknown[], R> {
  /**
   * The function that the thread runs: an exported function, a function that uses nothing but globals and its module's
   * imports and exports, or what {@linkcode task} returns: see docs/functions.md. Default: none, and the thread ends at once.
   */
  target?: (...args: A) => R | Promise<R>;
  /**
   * The arguments of `target`. Default: none. They are copied by {@linkcode Thread.start}, as `structuredClone` does; shared
   * objects are not copied but shared.
   */
  args?: A;
  /** A name for people, which need not be unique. Default: `Thread-1 (target)`, with a count and the name of the target. */
  name?: string;
  /** Whether the program may end while the thread runs. Default: the value of the thread that creates it. */
  daemon?: boolean;
}

/**
 * A function that runs in parallel with the rest of the program, in a worker of its own.
 *
 * - **Modules.** The worker imports the target's module again, so that each thread has module variables of its own. Only
 *   the objects of this package are shared. The top level of a module may run earlier and more often than threads are
 *   started: if the last two threads started and the last thread ended had the same target, a spare worker imports its
 *   module before the next start.
 * - **Visibility.** The thread sees everything that its starter wrote to shared memory before {@linkcode Thread.start}. A
 *   thread that has joined it sees everything that it wrote.
 * - **Handles** can be sent to other threads, which may join or terminate the thread too.
 * - **The end of the program.** The program ends when the main module and every thread that is not a daemon have ended.
 * - **Death.** A lock that the thread still holds when it ends passes to the next waiter, with `guard.abandoned` set.
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
 *   planet = "world";
 *   override run(): void {
 *     console.log(`hello ${this.planet}`);
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
   * Creates a thread. It does not run before {@linkcode Thread.start}.
   *
   * @param options The target, its arguments, and the rest of {@linkcode ThreadOptions}.
   * @throws {TypeError} If an option has the wrong type.
   * @throws {TargetError} If the target cannot run in another thread, as far as the caller can tell.
   */
  constructor(options?: ThreadOptions<A, R>) {
    super(threads, options);
  }

  /**
   * The number of the thread; `undefined` before the start. The main thread has the number 1, and a number is never used
   * again. Python: `Thread.ident`.
   */
  get ident(): number | undefined {
    if (this.#place.at < 0) unusable(this, "tell the number of thread");
    return load(this.#place.words, this.#place.at + IDENT) || undefined;
  }

  /**
   * Ends the thread and the threads that it started. No `finally` block of theirs runs.
   *
   * - A thread that waits, or is idle in its event loop, ends at once.
   * - A thread that runs code ends at its next call into this library, or at the next turn of its event loop. Bun also stops
   *   code that does neither; Deno cannot.
   * - A thread that terminates itself ends in this call.
   * - If the thread has returned already, only the threads that it started are ended. If it was not started, nothing happens.
   *
   * This method does not wait. {@linkcode Thread.join} resolves when the thread can run no more code, and only then do the
   * locks that it held pass to their waiters.
   *
   * Python has no equivalent. To end a thread in an orderly way, set an {@linkcode Event} that the thread checks.
   *
   * @throws {InvalidStateError} If this is the main thread, which ends with the program.
   *
   * @example
   * ```ts
   * import { Event, Thread } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * const never = new Event();
   * const thread = new Thread({ target: (event: Event) => event.waitSync(), args: [never] }).start();
   * thread.terminate();
   * await thread.join();
   * assertEquals(thread.isAlive, false);
   * ```
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

// The milliseconds that a timer waits before it runs its target. A private field would do, but an instance of a class with
// private fields cannot be sent, nor can one of a subclass with its own `run()`.
const delays = new WeakMap<object, number>();

/**
 * A thread that waits, and then runs its function.
 *
 * The wait begins when the thread is up, a few milliseconds after {@linkcode Thread.start}.
 *
 * Python: `threading.Timer`.
 *
 * @example
 * ```ts
 * import { Timer } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const timer = new Timer(10, Math.sqrt, [16]).start();
 * assertEquals(await timer.result(), 4);
 * ```
 */
export class Timer<A extends unknown[] = unknown[], R = unknown> extends Thread<A, R> {
  /**
   * Creates a timer. It does not begin to wait before {@linkcode Thread.start}.
   *
   * @param ms Milliseconds to wait. `Infinity` waits until the timer is cancelled.
   * @param fn The function to run then: any function that can be the target of a {@linkcode Thread}.
   * @param args The arguments of `fn`.
   * @throws {TypeError} If `ms` is not a number, or `fn` is not a function.
   * @throws {RangeError} If `ms` is negative or NaN.
   * @throws {TargetError} If `fn` cannot run in another thread, as far as the caller can tell.
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

  /**
   * Cancels the timer: the function does not run, and the thread ends at once. {@linkcode Thread.result} then returns
   * `undefined`. If the function has begun already, this has no effect.
   *
   * Python: `threading.Timer.cancel`.
   *
   * @example
   * ```ts
   * import { Timer } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * const timer = new Timer(60_000, Math.sqrt, [16]).start();
   * timer.cancel();
   * assertEquals(await timer.result(), undefined);
   * ```
   */
  cancel(): void {
    // Not from a private field: in its worker, an instance of a subclass is made by the constructor of Thread alone.
    const { space, at } = placeOf(this);
    if (at < 0) unusable(this, "cancel timer");
    setFlags(space, at, CANCELLED);
    notify(space, at + POINT, ALL_SLEEPERS);
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

// What is special to threads; a Runner does the rest.

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
  // The main thread, and a worker that this library did not start, does not write its state when it ends.
  return (load(space.words, record + FLAGS) & FOREIGN) !== 0 &&
    !isAlive(space.memory, load(space.words, record + IDENT));
}

// Calls the except hook, once. It is called when a thread that this thread started reports that it failed, or, if this thread
// joins it first, at the end of the join.
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

/** Makes a record for a thread that this library did not start: the main thread, or a worker that uses a shared object. */
export function ensureRecord(space: Space, id: number): void {
  requireIdentity();
  const { words } = space;
  const entry = entryOf(id);
  if (load(words, entry + RECORD) !== 0) return;
  const at = space.allocate(OBJECT_HEADER + RECORD_WORDS, "start thread");
  const record = at + OBJECT_HEADER;
  // The only reference lasts for good: this library does not learn when such a thread ends.
  store(words, at, THREAD);
  store(words, at + 1, 1);
  store(words, record + IDENT, id);
  store(words, record + FLAGS, FOREIGN);
  store(words, record + STATE, RUNNING);
  writeName(space, record, id === 1 ? "MainThread" : `Dummy-${id}`);
  // Another thread may have made a record for the main thread at the same time.
  if (compareExchange(words, entry + RECORD, 0, record) !== 0) dropReference(space, at);
}

/** The handle of a living thread, by its id; `undefined` if it is not alive. */
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
