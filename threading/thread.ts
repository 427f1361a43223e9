/**
 * Threads.
 *
 * @module
 */

import { add, compareExchange, load, now, or, store } from "../_internal/atomics.ts";
import { encode } from "../_internal/codec/encode.ts";
import { joinStacks } from "../_internal/codec/error_classes.ts";
import { InvalidStateError, TimeoutError, WorkerLostError } from "../_internal/errors.ts";
import { defineKind, registerClass, THREAD } from "../_internal/memory/kinds.ts";
import { OBJECT_HEADER, THREAD_NAMES_AT } from "../_internal/memory/memory.ts";
import { entryOf, isAlive, RECORD } from "../_internal/memory/participants.ts";
import {
  Attachment,
  dropReference,
  handleAt,
  type Place,
  placeOf,
  SharedHandle,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { loseReferences } from "../_internal/codec/references.ts";
import { type Space, spaceOf } from "../_internal/memory/space.ts";
import { block, notify } from "../_internal/memory/wait_point.ts";
import {
  deadlineOf,
  optionsOr,
  show,
  validateWait,
  type WaitOptions,
  type WaitSyncOptions,
} from "../_internal/options.ts";
import { importingModule } from "../_internal/runtime/import_guard.ts";
import { describeSubclass, describeTarget, type TargetDescriptor } from "../_internal/targets/describe.ts";
import { attend, launch, onFailure, terminateThread } from "../_internal/threads/start_thread.ts";
import "../_internal/threads/worker_entry.ts";
import { callHook, hasHook, ownTarget } from "../_internal/work/ending.ts";
import {
  BOOTING,
  CANCELLED,
  clearFlags,
  DAEMON,
  ERROR,
  EXIT_CODE,
  FINISHED,
  FLAGS,
  FOREIGN,
  freeBytes,
  freeNames,
  HOOKED,
  IDENT,
  LOST,
  NEW,
  objectOf,
  OUTCOME,
  PARENT,
  PAYLOAD,
  POINT,
  readBytes,
  readName,
  readOutcome,
  RECORD_WORDS,
  RESULT,
  RESULT_ASKED,
  RUNNING,
  setFlags,
  STATE,
  takeRecord,
  TIMER,
  UNREPORTED,
  writeBytes,
  writeName,
} from "../_internal/work/record.ts";
import {
  type Descriptors,
  dropPayload,
  lookIfDue,
  losePayload,
  nextLook,
  packPayload,
} from "../_internal/work/starting.ts";
// Not used here: it makes the worker's modules part of the program's graph, so that Deno has them when the main thread
// blocks right after start().

/** How a {@linkcode Thread} is made. */
export interface ThreadOptions<A extends unknown[], R> {
  /** What the thread runs: see the package's documentation for which functions can. Without one, nothing. */
  target?: (...args: A) => R | Promise<R>;
  /** The target's arguments, copied at {@linkcode Thread.start} as `structuredClone` would; shared objects stay shared. */
  args?: A;
  /** A label, for people. By default `Thread-1 (target)`. */
  name?: string;
  /** Whether the program may end while the thread runs. By default what the thread is that constructs this one. */
  daemon?: boolean;
}

/** Makes a thread wait for a while, or for its cancellation, before it runs its target. */
export let setDelay: (thread: Thread<unknown[]>, ms: number) => void;

/** Cancels that. */
export let cancelDelay: (thread: Thread<unknown[]>) => void;

/**
 * A function that runs at the same time as the rest of the program, in a worker of its own.
 *
 * The worker imports the target's module anew: module variables are not shared (they are thread-local storage, so to
 * speak), the objects of this package are. What the starter wrote to shared memory before {@linkcode Thread.start} is
 * visible to the thread; what the thread wrote is visible to whoever has joined it. A handle can be sent to other
 * threads, which may join or terminate the thread too.
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
export class Thread<A extends unknown[] = unknown[], R = unknown> extends SharedHandle implements AsyncDisposable {
  readonly #place: Place = placeOf(this);
  // Not of A and R: any thread is a Thread<unknown[]>.
  #target: ((...args: unknown[]) => unknown) | undefined;
  #descriptor: TargetDescriptor | undefined;
  #args: readonly unknown[] | undefined;
  #delay = 0;

  static {
    setDelay = (thread, ms) => {
      thread.#delay = ms;
      if (thread.#place.at >= 0) setFlags(thread.#place.space, thread.#place.at, TIMER);
    };
    cancelDelay = (thread) => {
      if (thread.#place.at < 0) unusable(thread, "cancel timer");
      setFlags(thread.#place.space, thread.#place.at, CANCELLED);
      notify(thread.#place.space, thread.#place.at + POINT, 0xfff);
    };
    onFailure((thread) => (thread as Thread<unknown[]>).#callHook());
  }

  /**
   * Makes a thread that has not started.
   *
   * @throws {TypeError} If an option is of the wrong kind.
   * @throws {TargetError} If the target cannot run in another thread, as far as that can be seen from here.
   */
  constructor(options?: ThreadOptions<A, R>) {
    let label = "";
    super(new.target, options instanceof Attachment ? options : undefined, () => {
      validate(options);
      return { action: "create thread", kind: THREAD, words: RECORD_WORDS };
    });
    if (options instanceof Attachment || this.#place.at < 0) return;
    const { target, args, name, daemon } = optionsOr(options);
    if (target !== undefined) {
      this.#descriptor = describeTarget(target, { what: "thread target" });
      if (target.name !== "") label = ` (${target.name})`;
    }
    this.#target = target as (...args: unknown[]) => unknown;
    this.#args = args;
    const { space } = this.#place;
    const given = name ?? `Thread-${add(space.words, THREAD_NAMES_AT, 1) + 1}${label}`;
    writeName(space, this.#place.at, given);
    const own = load(space.words, space.entry + RECORD);
    if (daemon ?? (own !== 0 && (load(space.words, own + FLAGS) & DAEMON) !== 0)) {
      setFlags(space, this.#place.at, DAEMON);
    }
  }

  /**
   * Starts the thread. Returns at once; the worker is up some milliseconds later.
   *
   * @throws {InvalidStateError} If it was started before, or while a worker imports its target's modules: a program whose
   * modules start threads when they are imported would multiply without end.
   * @throws {DOMException} `DataCloneError`, if an argument cannot be sent. The thread can be started again.
   * @throws {TargetError} If a subclass with `run()` has `#private` fields, or is not exported as far as that can be seen from
   * here; else `result()` throws it.
   */
  start(): this {
    const importing = importingModule();
    if (importing !== undefined) {
      throw new InvalidStateError(
        `Cannot start thread as ${importing} and is not through yet: put the main part of the program under if (import.meta.main)`,
      );
    }
    if (this.#place.at < 0) unusable(this, "start thread");
    const { space, at, words } = this.#place;
    if (compareExchange(words, at + STATE, NEW, BOOTING) !== NEW) {
      throw new InvalidStateError(`Cannot start thread as "${this.#label}" was started before: make a new Thread`);
    }
    try {
      const descriptors = this.#writePayload();
      if (hasHook()) setFlags(space, at, HOOKED);
      ensureRecord(space, space.id);
      launch(space, at, this, descriptors);
    } catch (error) {
      dropPayload(readBytes(space, at + PAYLOAD));
      freeBytes(space, at + PAYLOAD);
      store(words, at + STATE, NEW);
      throw error;
    }
    return this;
  }

  /**
   * Waits until the thread has ended, without blocking the event loop. Any number may wait. What the target threw is not
   * thrown here: see {@linkcode Thread.result}.
   *
   * @returns `true` once it has ended, `false` if `timeout` passed first.
   * @throws {InvalidStateError} Before the start, or in the thread itself.
   * @throws The signal's reason, if it is aborted first.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const timeout = this.#validateJoin(options, "join thread");
    const ended = await this.#ended(timeout, options?.signal, () => false);
    this.#callHook();
    return ended;
  }

  /**
   * Blocks this thread until the other has ended. A thread needs its starter's event loop for nothing but modules that
   * must be downloaded first; where those do not come within ten seconds the thread fails with a {@linkcode TargetError}.
   *
   * @returns `true` once it has ended, `false` if `timeout` passed first.
   * @throws {InvalidStateError} Before the start, or in the thread itself.
   */
  joinSync(options?: WaitSyncOptions): boolean {
    const timeout = this.#validateJoin(options, "join thread");
    const { space, words, at } = this.#place;
    const id = load(words, at + IDENT);
    const remote = this.#descriptor !== undefined && isRemote(this.#descriptor) || isRemoteUrl(import.meta.url);
    const deadline = deadlineOf(timeout);
    let ended: true | undefined;
    for (;;) {
      ended = block(space, at + POINT, (woken) => {
        if (woken > 0) attend(at, id, remote);
        return hasEnded(space, at) ? true : undefined;
      }, Math.min(deadline, nextLook()));
      if (ended || now() >= deadline) break;
      lookIfDue();
    }
    this.#callHook();
    return ended ?? false;
  }

  /**
   * Waits for what the target returns.
   *
   * @returns A copy of the target's value. Every call gets a copy of its own.
   * @throws What the target threw: of the same built-in or registered class, with the stacks of both threads.
   * @throws {WorkerLostError} If the thread ended in another way: by {@linkcode Thread.terminate}, or by exiting.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws {InvalidStateError} Before the start, or in the thread itself.
   */
  async result(options?: WaitOptions): Promise<Awaited<R>> {
    const timeout = this.#validateJoin(options, "get the result of thread");
    const { space, words, at } = this.#place;
    setFlags(space, at, RESULT_ASKED);
    // Taken here, where the caller's frames still are.
    const here = new Error();
    await this.#ended(timeout, options?.signal, () => {
      throw new TimeoutError(
        `Cannot get the result of thread "${this.#label}" as it ran for all of the ${timeout} ms of 'timeout'`,
      );
    });
    const outcome = load(words, at + OUTCOME);
    if (outcome === LOST) {
      throw new WorkerLostError(
        `Cannot get the result of thread "${this.#label}" (ident ${
          load(words, at + IDENT)
        }) as it was terminated or exited before its target returned: exit code ${load(words, at + EXIT_CODE)}`,
        { exitCode: load(words, at + EXIT_CODE), worker: this.#label },
      );
    }
    const value = readOutcome(space, at);
    if (outcome === ERROR) {
      joinStacks(value, here.stack);
      throw value;
    }
    return value as Awaited<R>;
  }

  /** What the thread runs: the target, unless a subclass overrides it. Calling it runs it in the calling thread. */
  run(...args: A): R | Promise<R> {
    const target = this.#target ?? ownTarget(this.#place.at) as ((...args: unknown[]) => unknown) | undefined;
    return target?.(...args) as R | Promise<R>;
  }

  /** A label for people; need not be unique. */
  get name(): string {
    return this.#place.at < 0 ? "" : readName(this.#place.space, this.#place.at);
  }

  set name(name: string) {
    if (typeof name !== "string") {
      throw new TypeError(`Cannot name thread as 'name' must be a string: received ${show(name)}`);
    }
    if (this.#place.at < 0) unusable(this, "name thread");
    writeName(this.#place.space, this.#place.at, name);
  }

  /** Whether the program may end while the thread runs. */
  get daemon(): boolean {
    return this.#place.at >= 0 && (load(this.#place.words, this.#place.at + FLAGS) & DAEMON) !== 0;
  }

  /** @throws {InvalidStateError} Once the thread was started. */
  set daemon(daemon: boolean) {
    if (typeof daemon !== "boolean") {
      throw new TypeError(`Cannot change thread as 'daemon' must be a boolean: received ${show(daemon)}`);
    }
    if (this.#place.at < 0) unusable(this, "change thread");
    if (load(this.#place.words, this.#place.at + STATE) !== NEW) {
      throw new InvalidStateError(
        `Cannot change 'daemon' of thread "${this.#label}" as it was started: set it before start()`,
      );
    }
    if (daemon) or(this.#place.words, this.#place.at + FLAGS, DAEMON);
    else clearFlags(this.#place.space, this.#place.at, DAEMON);
  }

  /** A number that no other thread of the program has or had; `undefined` before the start. The main thread's is 1. */
  get ident(): number | undefined {
    if (this.#place.at < 0) return undefined;
    return load(this.#place.words, this.#place.at + IDENT) || undefined;
  }

  /** Whether the thread was started and has not ended. Out of date as soon as it is read. */
  get isAlive(): boolean {
    if (this.#place.at < 0) return false;
    return load(this.#place.words, this.#place.at + STATE) !== NEW && !hasEnded(this.#place.space, this.#place.at);
  }

  /**
   * Ends the thread, and those that it started: at once where it waits or idles in its event loop, else at its next call
   * into this library or turn of its loop (Bun also stops code that runs; Deno cannot). A thread
   * that calls it for itself ends at that. No `finally` of it runs.
   * {@linkcode Thread.join} resolves when it can run no more, and only then are its locks up for others. Of a thread that
   * has returned, those end that it started; one that was not started is left as it is.
   *
   * Python has no counterpart: ask a thread to stop with an {@linkcode Event} where it can look at one.
   *
   * @throws {InvalidStateError} For the main thread, which ends with the program.
   */
  terminate(): void {
    if (this.#place.at < 0) return;
    if (load(this.#place.words, this.#place.at + IDENT) === 1) {
      throw new InvalidStateError(
        `Cannot terminate "${this.#label}" as it is the main thread, which ends with the program: exit there`,
      );
    }
    terminateThread(this.#place.space, this.#place.at);
  }

  /** Joins the thread; does nothing if it was not started. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#place.at >= 0 && load(this.#place.words, this.#place.at + STATE) !== NEW) await this.join();
  }

  // Whatever a subclass calls its own fields.
  get #label(): string {
    return readName(this.#place.space, this.#place.at);
  }

  #writePayload(): Descriptors {
    const { space, at } = this.#place;
    const isSubclass = Object.getPrototypeOf(this) !== Thread.prototype && this.run !== Thread.prototype.run;
    const descriptors: Descriptors = { target: this.#descriptor };
    if (isSubclass) descriptors.type = describeSubclass(this, Thread, { what: "thread class" });
    const content: { args: readonly unknown[]; fields?: object; delay?: number } = { args: this.#args ?? [] };
    if (isSubclass) content.fields = { ...this };
    if (this.#delay > 0) content.delay = this.#delay;
    const rest = encode(content, { root: "", scope: "thread" });
    writeBytes(space, at + PAYLOAD, packPayload(JSON.stringify(descriptors), rest), "start thread");
    return descriptors;
  }

  #validateJoin(options: WaitOptions | undefined, action: string): number {
    if (this.#place.at < 0) unusable(this, action);
    const timeout = validateWait(options, action);
    if (load(this.#place.words, this.#place.at + STATE) === NEW) {
      throw new InvalidStateError(`Cannot ${action} "${this.#label}" as it was not started: call start() first`);
    }
    if (load(this.#place.words, this.#place.at + IDENT) === this.#place.space.id) {
      throw new InvalidStateError(
        `Cannot ${action} "${this.#label}" as that is the calling thread: it would wait for itself`,
      );
    }
    return timeout;
  }

  #ended(timeout: number, signal: AbortSignal | undefined, expired: () => boolean): Promise<boolean> {
    const { space, at } = this.#place;
    return space.async.wait<boolean>(at + POINT, {
      attempt: () => hasEnded(space, at) ? true : undefined,
      deadline: deadlineOf(timeout),
      expired,
      signal,
    });
  }

  // Once: when the thread tells that it failed, or where somebody joins it before the event loop gets to that.
  #callHook(): void {
    const { space, at, words } = this.#place;
    if ((load(words, at + FLAGS) & UNREPORTED) === 0 || load(words, at + PARENT) !== space.id) return;
    if (!clearFlags(space, at, UNREPORTED) || (load(words, at + FLAGS) & RESULT_ASKED) !== 0) return;
    callHook(space, at, readOutcome(space, at));
  }
}

function hasEnded(space: Space, record: number): boolean {
  const state = load(space.words, record + STATE);
  if (state === FINISHED) return true;
  // The main thread and workers that adopted say nothing at their end.
  return (load(space.words, record + FLAGS) & FOREIGN) !== 0 &&
    !isAlive(space.memory, load(space.words, record + IDENT));
}

/** Makes a record for a thread that this library did not start: the main thread, or a worker that adopted. */
export function ensureRecord(space: Space, id: number): void {
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
  // Another thread may have asked for the main one at the same time.
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

function validate(options: unknown): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot create thread as the options must be an object like { target }: received ${show(options)}`,
    );
  }
  const { target, args, name, daemon } = options as Record<string, unknown>;
  if (target !== undefined && typeof target !== "function") {
    throw new TypeError(`Cannot create thread as 'target' must be a function: received ${show(target)}`);
  }
  if (args !== undefined && !Array.isArray(args)) {
    throw new TypeError(`Cannot create thread as 'args' must be an array: received ${show(args)}`);
  }
  if (name !== undefined && typeof name !== "string") {
    throw new TypeError(`Cannot create thread as 'name' must be a string: received ${show(name)}`);
  }
  if (daemon !== undefined && typeof daemon !== "boolean") {
    throw new TypeError(`Cannot create thread as 'daemon' must be a boolean: received ${show(daemon)}`);
  }
}

function isRemoteUrl(url: string): boolean {
  return /^(https?|jsr|npm):/.test(url);
}

function isRemote(descriptor: TargetDescriptor): boolean {
  return "module" in descriptor && descriptor.module !== undefined && isRemoteUrl(descriptor.module);
}

function destroy(space: Space, record: number): void {
  losePayload(readBytes(space, record + PAYLOAD));
  freeBytes(space, record + PAYLOAD);
  const result = readBytes(space, record + RESULT);
  if (result !== undefined) loseReferences(result);
  freeBytes(space, record + RESULT);
  freeNames(space, record);
}

registerClass("thread", THREAD, Thread);
defineKind(THREAD, {
  destroy,
  readiness: (space, at) => ({ points: [at + POINT], isReady: () => hasEnded(space, at) }),
});
