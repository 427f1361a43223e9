/**
 * What threads and processes have in common, as a program with a handle sees them: a function that runs elsewhere, and its
 * record in shared memory.
 *
 * What differs between the two is in a {@linkcode RunnerKind}. It is an object rather than a set of methods to override,
 * because a subclass of the program may use any name for methods of its own.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { encode } from "../codec/encode.ts";
import { joinStacks } from "../codec/error_classes.ts";
import { InvalidStateError, TimeoutError, type WorkerLostError } from "../errors.ts";
import { seeToOthers } from "../memory/participants.ts";
import { isArriving, type Place, placeOf, SharedHandle, unusable } from "../memory/shared_object.ts";
import type { Space } from "../memory/space.ts";
import { waitAsync } from "../memory/wait.ts";
import { copyOptions, NO_OPTIONS, show, validateWait, type WaitOptions, type WaitSyncOptions } from "../options.ts";
import { importAdvice, importingModule } from "../runtime/this_thread.ts";
import { describeSubclass, describeTarget, type TargetDescriptor } from "../targets/describe.ts";
import { ownTarget } from "./ending.ts";
import {
  BOOTING,
  clearFlags,
  DAEMON,
  destroyOutcome,
  ERROR,
  FINISHED,
  FLAGS,
  freeBytes,
  freeNames,
  NEW,
  OUTCOME,
  PAYLOAD,
  POINT,
  readBytes,
  readName,
  readOutcome,
  RESULT_ASKED,
  setFlags,
  STATE,
  VALUE,
  writeBytes,
  writeName,
} from "./record.ts";
import { type Descriptors, dropPayload, losePayload, packPayload } from "./starting.ts";

type AnyFunction = (...args: unknown[]) => unknown;

/** The options that threads and processes have in common. */
interface RunnerOptions {
  target?: AnyFunction;
  args?: readonly unknown[];
  name?: string;
  daemon?: boolean;
}

/** A start, up to the point where a worker or a process is needed. */
export interface Preparation {
  /** What the worker or process reads before its arguments, as JSON. */
  readonly head: object;
  /** What is sent along with its arguments. */
  readonly more?: object;
  /** Does the rest. If this throws, the caller of `start` gets the error and may try again. */
  readonly launch: () => void;
}

/** How a thread or process ended. */
export interface Ending {
  exitCode?: number;
  signal?: string;
  /** Its target returned: for a pool's worker, it had done enough tasks, or had none for too long. */
  returned?: boolean;
  /** What its target threw. */
  error?: unknown;
}

/** What differs between threads and processes. `record` is where the words of a record begin. */
export interface RunnerKind {
  /** Used in error messages. */
  readonly label: "thread" | "process";
  /** The library's class, which has no `run` of its own. */
  readonly type: abstract new (...args: never[]) => object;
  /** The kind of its shared objects, and how many words these have. */
  readonly kind: number;
  readonly words: number;
  /** The names of the options that are not {@linkcode RunnerOptions}. */
  readonly options: readonly string[];
  /** Throws if one of these options is not valid. */
  validate(options: Record<string, unknown>): void;
  /** The name of a new thread or process. */
  nameOf(given: string | undefined, target: AnyFunction | undefined, space: Space): string;
  /** The record of the calling thread or process; 0 if it has none yet. */
  ownRecord(space: Space): number;
  prepare(runner: Runner, descriptors: Descriptors): Preparation;
  /** Whether it has ended. Called once it was started. */
  hasEnded(space: Space, record: number): boolean;
  /** Blocks until it has ended, for at most `timeout` ms. */
  waitUntilEnded(space: Space, record: number, timeout: number, target: TargetDescriptor | undefined): boolean;
  /** Called after a wait, before its outcome is read. */
  waited(space: Space, record: number, hasEnded: boolean): Promise<void> | void;
  /** How it ended, if its target did not return. */
  endingOf(space: Space, record: number): Ending;
  /** The error for a caller that asks for the result, if it ended without one. */
  lostError(space: Space, record: number, label: string): WorkerLostError;
}

/**
 * Returns a function that says how a thread or process ended; `undefined` if it has not. With `exactly`, it also reports an
 * end that this thread's event loop has not learned of yet.
 */
export let endingOf: (runner: Runner) => (exactly: boolean) => Ending | undefined;

/**
 * What {@linkcode threading.Thread} and {@linkcode multiprocessing.Process} have in common. A function that takes a `Runner`
 * can be called with either.
 *
 * Python: `threading.Thread` and `multiprocessing.Process`, which have no common base class.
 *
 * @example
 * ```ts
 * import { type Runner, Thread } from "@weft/concurrent/threading";
 * import { assert } from "@std/assert";
 *
 * async function joinAll(runners: Runner[]): Promise<void> {
 *   for (const runner of runners) await runner.join();
 * }
 *
 * const threads = [4, 9].map((x) => new Thread({ target: Math.sqrt, args: [x] }).start());
 * await joinAll(threads);
 * assert(threads.every((thread) => !thread.isAlive));
 * ```
 */
export abstract class Runner<A extends unknown[] = unknown[], R = unknown> extends SharedHandle
  implements AsyncDisposable {
  readonly #place: Place = placeOf(this);
  readonly #kind: RunnerKind;
  // Without the types A and R, so that every thread can be used as a Thread<unknown[]>.
  #target: AnyFunction | undefined;
  #descriptor: TargetDescriptor | undefined;
  #args: readonly unknown[] = [];

  static {
    endingOf = (runner) => {
      const kind = runner.#kind;
      const { space, at } = runner.#place;
      return (exactly) => {
        const isOver = load(space.words, at + STATE) === FINISHED || exactly && kind.hasEnded(space, at);
        if (!isOver) return undefined;
        const outcome = load(space.words, at + OUTCOME);
        if (outcome === VALUE) return { returned: true };
        const ending = kind.endingOf(space, at);
        if (outcome === ERROR) ending.error = readOutcome(space, at);
        return ending;
      };
    };
  }

  /**
   * Creates a thread or process. It does not run before {@linkcode Runner.start}.
   *
   * @param kind What differs between threads and processes.
   * @param options The options of the thread or process.
   * @throws {TypeError} If an option has the wrong type.
   * @throws {TargetError} If the target cannot run elsewhere, as far as the caller can tell.
   * @ignore
   */
  protected constructor(kind: RunnerKind, options: object | undefined) {
    const arrives = isArriving();
    const { target, args = [], name, daemon }: RunnerOptions = arrives ? NO_OPTIONS : validate(options, kind);
    super(new.target, undefined, () => ({ action: `create ${kind.label}`, kind: kind.kind, words: kind.words }));
    this.#kind = kind;
    const { space, at } = this.#place;
    if (arrives || at < 0) return;
    if (target !== undefined) this.#descriptor = describeTarget(target, { what: `${kind.label} target` });
    this.#target = target;
    this.#args = args;
    writeName(space, at, kind.nameOf(name, target, space));
    const own = kind.ownRecord(space);
    if (daemon ?? (own !== 0 && (load(space.words, own + FLAGS) & DAEMON) !== 0)) setFlags(space, at, DAEMON);
  }

  /**
   * Starts the thread or process, and returns at once.
   *
   * A thread is up after a few milliseconds, a process after some tens of milliseconds, or after a few with the start method
   * `"forkserver"`. The arguments are copied in this call: a later change to them has no effect. What the caller wrote to
   * shared memory before is visible to the thread or process.
   *
   * Python: `threading.Thread.start`, `multiprocessing.Process.start`.
   *
   * @returns This thread or process, so that the call can follow `new`.
   * @throws {InvalidStateError} If it was started before.
   * @throws {InvalidStateError} If the calling thread or process is still importing the modules of its own target. Otherwise
   * a module that starts threads at its top level would start more of them in each of these threads, without end.
   * @throws {DOMException} `DataCloneError`, if an argument cannot be sent. The caller may start it again.
   * @throws {TypeError} If an argument of a process is shared among threads only.
   * @throws {TargetError} If it is of a subclass with a `run()` of its own that has `#private` fields, or that is not exported
   * as far as the caller can tell. If that is found out later, {@linkcode Runner.result} throws it.
   * @throws {Deno.errors.NotCapable} If the program lacks a permission that a process needs. The message names the flag.
   *
   * @example
   * ```ts
   * import { Thread } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * const thread = new Thread({ target: Math.max, args: [1, 2] }).start();
   * assertEquals(await thread.result(), 2);
   * ```
   */
  start(): this {
    const { label, type } = this.#kind;
    const importing = importingModule();
    if (importing !== undefined) {
      throw new InvalidStateError(
        `Cannot start ${label} as ${importing} and has not finished loading: ${importAdvice()}`,
      );
    }
    const { space, at, words } = this.#usable(`start ${label}`);
    if (compareExchange(words, at + STATE, NEW, BOOTING) !== NEW) {
      throw new InvalidStateError(
        `Cannot start ${label} as "${this.#label}" was started before: make a new ${type.name}`,
      );
    }
    try {
      this.#prepare().launch();
    } catch (error) {
      dropPayload(readBytes(space, at + PAYLOAD));
      freeBytes(space, at + PAYLOAD);
      store(words, at + STATE, NEW);
      throw error;
    }
    return this;
  }

  /**
   * Waits until the thread or process has ended, without blocking the event loop.
   *
   * A thread has ended when it can run no more code, a process when the system has removed it. What it wrote to shared memory
   * is then visible to the caller. Any number of callers may wait, also in other threads and, for a process, in other
   * processes. An error of the target is not thrown here, but by {@linkcode Runner.result}.
   *
   * Python: `threading.Thread.join`, `multiprocessing.Process.join`.
   *
   * @param options `timeout` in milliseconds, and `signal`. Neither stops the thread or process.
   * @returns `true` if it has ended, `false` if `timeout` passed first.
   * @throws {InvalidStateError} If it was not started, or is the calling thread or process itself.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example
   * ```ts
   * import { Semaphore, Thread } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * const go = new Semaphore(0);
   * const thread = new Thread({ target: (go: Semaphore) => void go.acquireSync(), args: [go] }).start();
   * assertEquals(await thread.join({ timeout: 20 }), false);
   * go.release();
   * assertEquals(await thread.join(), true);
   * ```
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const timeout = this.#validateWait(options, `join ${this.#kind.label}`);
    return await this.#ended(timeout, options?.signal, () => false);
  }

  /**
   * Blocks this thread until the thread or process has ended.
   *
   * A process starts and ends without the event loop of its starter. So does a thread, unless a module that it needs must be
   * downloaded first. If that module has not come after ten seconds of blocking, the thread fails with a
   * {@linkcode TargetError}.
   *
   * Python: `threading.Thread.join`, `multiprocessing.Process.join`.
   *
   * @param options `timeout` in milliseconds. It does not stop the thread or process.
   * @returns `true` if it has ended, `false` if `timeout` passed first.
   * @throws {InvalidStateError} If it was not started, or is the calling thread or process itself.
   *
   * @example
   * ```ts
   * import { Thread } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * const thread = new Thread({ target: Math.sqrt, args: [16] }).start();
   * assertEquals(thread.joinSync({ timeout: 60_000 }), true);
   * ```
   */
  joinSync(options?: WaitSyncOptions): boolean {
    const timeout = this.#validateWait(options, `join ${this.#kind.label}`);
    return this.#kind.waitUntilEnded(this.#place.space, this.#place.at, timeout, this.#descriptor);
  }

  /**
   * Waits until the thread or process has ended, and returns what its target returned.
   *
   * A process also prints an error of its target on standard error, since it does not know whether its result will be asked
   * for. A thread does so only if its result was not asked for.
   *
   * Python has no equivalent for threads; `concurrent.futures.Future.result` is similar.
   *
   * @param options `timeout` in milliseconds, and `signal`. Neither stops the thread or process.
   * @returns A copy of the target's value. Each call returns a copy of its own.
   * @throws What the target threw: an error of the same built-in or registered class, with the stacks of both sides.
   * @throws {WorkerLostError} If it ended in another way: it was terminated, it exited, or a signal ended it. The error says
   * which.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws {InvalidStateError} If it was not started, or is the calling thread or process itself.
   * @throws The signal's reason, if it is aborted first.
   *
   * @example
   * ```ts
   * import { Thread } from "@weft/concurrent/threading";
   * import { assertEquals, assertRejects } from "@std/assert";
   *
   * export function parse(text: string): number[] {
   *   return JSON.parse(text);
   * }
   *
   * if (import.meta.main) {
   *   const good = new Thread({ target: parse, args: ["[1, 2]"] }).start();
   *   assertEquals(await good.result(), [1, 2]);
   *   const bad = new Thread({ target: parse, args: ["[1, "] }).start();
   *   await assertRejects(() => bad.result(), SyntaxError);
   * }
   * ```
   */
  async result(options?: WaitOptions): Promise<Awaited<R>> {
    const action = `get the result of ${this.#kind.label}`;
    const timeout = this.#validateWait(options, action);
    const { space, words, at } = this.#place;
    setFlags(space, at, RESULT_ASKED);
    // Created before the first await, where the stack still has the frames of the caller.
    const here = new Error();
    await this.#ended(timeout, options?.signal, () => {
      throw new TimeoutError(
        `Cannot ${action} "${this.#label}" as it ran for all of the ${timeout} ms of 'timeout'`,
      );
    });
    const outcome = load(words, at + OUTCOME);
    if (outcome !== VALUE && outcome !== ERROR) throw this.#kind.lostError(space, at, this.#label);
    const value = readOutcome(space, at);
    if (outcome === ERROR) {
      joinStacks(value, here.stack);
      throw value;
    }
    return value as Awaited<R>;
  }

  /**
   * Calls the target. The thread or process runs this method; a subclass may override it.
   *
   * A call in the program's own code runs the target in the calling thread.
   *
   * Python: `threading.Thread.run`, `multiprocessing.Process.run`.
   *
   * @param args The arguments of the target. Those of the constructor are passed only in the thread or process itself.
   * @returns What the target returns; `undefined` without a target.
   *
   * @example
   * ```ts
   * import { Thread } from "@weft/concurrent/threading";
   * import { assertEquals } from "@std/assert";
   *
   * const thread = new Thread({ target: Math.sqrt, args: [16] });
   * assertEquals(thread.run(25), 5);
   * ```
   */
  run(...args: A): R | Promise<R> {
    const { space, at } = this.#place;
    const target = this.#target ?? ownTarget(space, at) as AnyFunction | undefined;
    return target?.(...args) as R | Promise<R>;
  }

  /** A name for people, which need not be unique. It can be changed at any time. Python: `Thread.name`, `Process.name`. */
  get name(): string {
    const { space, at } = this.#usable(`tell the name of ${this.#kind.label}`);
    return readName(space, at);
  }

  set name(name: string) {
    const { label } = this.#kind;
    if (typeof name !== "string") {
      throw new TypeError(`Cannot name ${label} as 'name' must be a string: received ${show(name)}`);
    }
    const { space, at } = this.#usable(`name ${label}`);
    writeName(space, at, name);
  }

  /**
   * Whether the program may end while the thread or process runs. Can be set before the start only.
   *
   * - A daemon thread ends with the program.
   * - A daemon process ends with the process that started it. When its starter ends, it receives SIGTERM, and SIGKILL a second
   *   later. If its starter is killed, it is killed at once.
   *
   * Python: `Thread.daemon`, `Process.daemon`.
   */
  get daemon(): boolean {
    const { words, at } = this.#usable(`tell whether ${this.#kind.label} is a daemon`);
    return (load(words, at + FLAGS) & DAEMON) !== 0;
  }

  /** @throws {InvalidStateError} If it was started. */
  set daemon(daemon: boolean) {
    const { label } = this.#kind;
    if (typeof daemon !== "boolean") {
      throw new TypeError(`Cannot change ${label} as 'daemon' must be a boolean: received ${show(daemon)}`);
    }
    const { space, words, at } = this.#usable(`change ${label}`);
    if (load(words, at + STATE) !== NEW) {
      throw new InvalidStateError(
        `Cannot change 'daemon' of ${label} "${this.#label}" as it was started: set it before start()`,
      );
    }
    if (daemon) setFlags(space, at, DAEMON);
    else clearFlags(space, at, DAEMON);
  }

  /**
   * Whether it was started and has not ended. The answer may be out of date as soon as it is read.
   *
   * Python: `Thread.is_alive`, `Process.is_alive`.
   */
  get isAlive(): boolean {
    const { space, words, at } = this.#usable(`tell whether ${this.#kind.label} is alive`);
    // A thread that does nothing but poll this property must still look after the threads that it started.
    seeToOthers();
    return load(words, at + STATE) !== NEW && !this.#kind.hasEnded(space, at);
  }

  /**
   * Joins the thread or process. Does nothing if it was not started, or if its handle was disposed of.
   *
   * Python has no equivalent.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { words, at } = this.#place;
    if (at >= 0 && load(words, at + STATE) !== NEW) await this.join();
  }

  // The name from the record: a subclass may have a field called `name`.
  get #label(): string {
    return readName(this.#place.space, this.#place.at);
  }

  #usable(action: string): Place {
    if (this.#place.at < 0) unusable(this, action);
    return this.#place;
  }

  #prepare(): Preparation {
    const { space, at } = this.#place;
    const { label, type } = this.#kind;
    const isSubclass = Object.getPrototypeOf(this) !== type.prototype && this.run !== Runner.prototype.run;
    const descriptors: Descriptors = { target: this.#descriptor };
    if (isSubclass) descriptors.type = describeSubclass(this, type, { what: `${label} class` });
    const preparation = this.#kind.prepare(this, descriptors);
    const content = { args: this.#args, ...(isSubclass && { fields: { ...this } }), ...preparation.more };
    const rest = encode(content, { root: "", scope: space.memory.scope });
    writeBytes(space, at + PAYLOAD, packPayload(JSON.stringify(preparation.head), rest), `start ${label}`);
    return preparation;
  }

  #validateWait(options: WaitOptions | undefined, action: string): number {
    this.#usable(action);
    const { label, ownRecord } = this.#kind;
    const timeout = validateWait(options, action);
    // Again: a getter of the options may have closed the process.
    const { space, words, at } = this.#usable(action);
    if (load(words, at + STATE) === NEW) {
      throw new InvalidStateError(`Cannot ${action} "${this.#label}" as it was not started: call start() first`);
    }
    if (at === ownRecord(space)) {
      throw new InvalidStateError(
        `Cannot ${action} "${this.#label}" as that is the calling ${label}: it would wait for itself`,
      );
    }
    return timeout;
  }

  async #ended(timeout: number, signal: AbortSignal | undefined, expired: () => boolean): Promise<boolean> {
    const { space, at } = this.#place;
    const attempt = (): true | undefined => this.#kind.hasEnded(space, at) ? true : undefined;
    const ended = await waitAsync<boolean>(this.#place, { point: at + POINT, attempt, expired }, timeout, signal);
    await this.#kind.waited(space, at, ended);
    return ended;
  }
}

function validate(given: unknown, kind: RunnerKind): RunnerOptions {
  if (given !== undefined && (typeof given !== "object" || given === null)) {
    throw new TypeError(
      `Cannot create ${kind.label} as the options must be an object like { target }: received ${show(given)}`,
    );
  }
  const options = copyOptions<Record<string, unknown>>(given, ["target", "args", "name", "daemon", ...kind.options]);
  const { target, args, name, daemon } = options;
  const refuse = (what: string, wanted: string, value: unknown): never => {
    throw new TypeError(`Cannot create ${kind.label} as '${what}' must be ${wanted}: received ${show(value)}`);
  };
  if (target !== undefined && typeof target !== "function") refuse("target", "a function", target);
  if (args !== undefined && !Array.isArray(args)) refuse("args", "an array", args);
  if (name !== undefined && typeof name !== "string") refuse("name", "a string", name);
  if (daemon !== undefined && typeof daemon !== "boolean") refuse("daemon", "a boolean", daemon);
  kind.validate(options);
  return options;
}

/** Frees what belongs to a record, when the last reference to it is dropped. */
export function destroyRecord(space: Space, record: number): void {
  losePayload(readBytes(space, record + PAYLOAD));
  freeBytes(space, record + PAYLOAD);
  destroyOutcome(space, record);
  freeNames(space, record);
}
