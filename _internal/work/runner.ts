/**
 * What threads and processes have in common, for a program that has a handle of them: a function that runs elsewhere, and a
 * record of it in shared memory.
 *
 * What tells the two apart is in a {@linkcode RunnerKind}: an object, and not methods to override, because a program's subclass
 * may use any name for methods of its own.
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
import { importingModule } from "../runtime/this_thread.ts";
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

/** What threads and processes are made with alike. */
interface RunnerOptions {
  target?: AnyFunction;
  args?: readonly unknown[];
  name?: string;
  daemon?: boolean;
}

/** A start, up to where a worker or a process is needed. */
export interface Preparation {
  /** What it is told before its arguments, as JSON. */
  readonly head: object;
  /** What goes with its arguments. */
  readonly more?: object;
  /** Does what is left. When this throws, the caller of `start` gets the error and may try again. */
  readonly launch: () => void;
}

/** How a thread or process ended. */
export interface Ending {
  exitCode?: number;
  signal?: string;
  /** Its target returned: a pool's worker had done enough, or nothing for too long. */
  returned?: boolean;
  /** What its target threw. */
  error?: unknown;
}

/** What tells threads from processes. `record` is where the words of a record begin. */
export interface RunnerKind {
  /** In messages. */
  readonly label: "thread" | "process";
  /** The library's class, which has no `run` of its own. */
  readonly type: abstract new (...args: never[]) => object;
  /** The kind of its shared objects, and how many words these have. */
  readonly kind: number;
  readonly words: number;
  /** The names of its own options, which are not {@linkcode RunnerOptions}. */
  readonly options: readonly string[];
  /** Throws unless such a thing can be made with its own options. */
  validate(options: Record<string, unknown>): void;
  /** What it is called. */
  nameOf(given: string | undefined, target: AnyFunction | undefined, space: Space): string;
  /** The record of the thread or process that calls; 0: it has none yet. */
  ownRecord(space: Space): number;
  prepare(runner: Runner, descriptors: Descriptors): Preparation;
  /** Whether it has ended, once it was started. */
  hasEnded(space: Space, record: number): boolean;
  /** Blocks until it has ended, or for `timeout` ms. */
  waitUntilEnded(space: Space, record: number, timeout: number, target: TargetDescriptor | undefined): boolean;
  /** Called after a wait, before its outcome is read. */
  waited(space: Space, record: number, hasEnded: boolean): Promise<void> | void;
  /** How it ended, where its target did not return. */
  endingOf(space: Space, record: number): Ending;
  /** The error of a caller that wants its result, where it ended without one. */
  lostError(space: Space, record: number, label: string): WorkerLostError;
}

/**
 * How to ask how a thread or process ended; `undefined`: it has not. `exactly`: also where this thread's event loop has not
 * learned of it.
 */
export let endingOf: (runner: Runner) => (exactly: boolean) => Ending | undefined;

/** A thread or a process: {@linkcode threading.Thread} and {@linkcode multiprocessing.Process} say what tells them apart. */
export abstract class Runner<A extends unknown[] = unknown[], R = unknown> extends SharedHandle
  implements AsyncDisposable {
  readonly #place: Place = placeOf(this);
  readonly #kind: RunnerKind;
  // Not of A and R: any thread is a Thread<unknown[]>.
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

  /** Makes a thread or process that has not started. @ignore */
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
   * Starts it. Returns at once: a thread is up some milliseconds later, a process some tens of milliseconds, or with the start
   * method `"forkserver"` a few.
   *
   * @throws {InvalidStateError} If it was started before, or while a thread or process imports its target's modules: a program
   * whose modules start others when they are imported would multiply without end.
   * @throws {DOMException} `DataCloneError`, if an argument cannot be sent. The start can be tried again.
   * @throws {TypeError} If an argument for a process is shared among threads only.
   * @throws {TargetError} If a subclass with `run()` has `#private` fields, or is not exported as far as that can be seen from
   * here; else `result()` throws it.
   * @throws {Deno.errors.NotCapable} If the program may not do what a process takes; the message names the flag.
   */
  start(): this {
    const { label, type } = this.#kind;
    const importing = importingModule();
    if (importing !== undefined) {
      throw new InvalidStateError(
        `Cannot start ${label} as ${importing} and is not through yet: put the main part of the program under if (import.meta.main)`,
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
   * Waits for its end, without blocking the event loop. A thread has ended when it can run no more, a process when it is gone.
   * Any number of callers may wait, also in other threads and, for a process, in other processes. What the target threw is not
   * thrown here: see {@linkcode Runner.result}.
   *
   * @returns `true` once it has ended, `false` if `timeout` passed first.
   * @throws {InvalidStateError} Before the start, or in the thread or process itself.
   * @throws The signal's reason, if it is aborted first.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const timeout = this.#validateWait(options, `join ${this.#kind.label}`);
    return await this.#ended(timeout, options?.signal, () => false);
  }

  /**
   * Blocks this thread until the end. A thread needs its starter's event loop for nothing but modules that must be downloaded
   * first; where those do not come within ten seconds the thread fails with a {@linkcode TargetError}. A process needs nothing
   * of it.
   *
   * @returns `true` once it has ended, `false` if `timeout` passed first.
   * @throws {InvalidStateError} Before the start, or in the thread or process itself.
   */
  joinSync(options?: WaitSyncOptions): boolean {
    const timeout = this.#validateWait(options, `join ${this.#kind.label}`);
    return this.#kind.waitUntilEnded(this.#place.space, this.#place.at, timeout, this.#descriptor);
  }

  /**
   * Waits for the end, and for what the target returned. A process has printed what its target threw, too: it does not know
   * whether its result is asked for.
   *
   * @returns A copy of the target's value. Every call gets a copy of its own.
   * @throws What the target threw: of the same built-in or registered class, with the stacks of both sides.
   * @throws {WorkerLostError} If it ended in another way: it was terminated, or exited, or was ended by a signal. The error
   * says how.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws {InvalidStateError} Before the start, or in the thread or process itself.
   */
  async result(options?: WaitOptions): Promise<Awaited<R>> {
    const action = `get the result of ${this.#kind.label}`;
    const timeout = this.#validateWait(options, action);
    const { space, words, at } = this.#place;
    setFlags(space, at, RESULT_ASKED);
    // Taken here, where the caller's frames still are.
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

  /** What it runs: the target, unless a subclass overrides it. Calling it runs that in the calling thread. */
  run(...args: A): R | Promise<R> {
    const { space, at } = this.#place;
    const target = this.#target ?? ownTarget(space, at) as AnyFunction | undefined;
    return target?.(...args) as R | Promise<R>;
  }

  /** A label for people; need not be unique. */
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
   * Whether it does not keep the program alive. A daemon thread ends with the program. A daemon process ends with the process
   * that started it: at the starter's end it is told to by SIGTERM, and killed a second later; where the starter is killed, it
   * is killed at once.
   */
  get daemon(): boolean {
    const { words, at } = this.#usable(`tell whether ${this.#kind.label} is a daemon`);
    return (load(words, at + FLAGS) & DAEMON) !== 0;
  }

  /** @throws {InvalidStateError} Once it was started. */
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

  /** Whether it was started and has not ended. Out of date as soon as it is read. */
  get isAlive(): boolean {
    const { space, words, at } = this.#usable(`tell whether ${this.#kind.label} is alive`);
    // A thread that loops until it is not alive does nothing else.
    seeToOthers();
    return load(words, at + STATE) !== NEW && !this.#kind.hasEnded(space, at);
  }

  /** Joins it; does nothing if it was not started, or its handle was given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { words, at } = this.#place;
    if (at >= 0 && load(words, at + STATE) !== NEW) await this.join();
  }

  // Its name also where a subclass has a field of that name.
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
    const { space, words, at } = this.#usable(action);
    const { label, ownRecord } = this.#kind;
    const timeout = validateWait(options, action);
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
    const ended = await waitAsync<boolean>(space, { point: at + POINT, attempt, expired }, timeout, signal);
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

/** Gives back what belongs to a record, with the last reference to it. */
export function destroyRecord(space: Space, record: number): void {
  losePayload(readBytes(space, record + PAYLOAD));
  freeBytes(space, record + PAYLOAD);
  destroyOutcome(space, record);
  freeNames(space, record);
}
