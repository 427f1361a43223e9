/**
 * Processes.
 *
 * @module
 */

import { add, compareExchange, load, now, or, store } from "../_internal/atomics.ts";
import { encode } from "../_internal/codec/encode.ts";
import { joinStacks } from "../_internal/codec/error_classes.ts";
import { InvalidStateError, NotSupportedError, TimeoutError, WorkerLostError } from "../_internal/errors.ts";
import { defineKind, PROCESS, registerClass } from "../_internal/memory/kinds.ts";
import { PROCESS_NAMES_AT, type Scope } from "../_internal/memory/memory.ts";
import { seeToOthers } from "../_internal/memory/participants.ts";
import {
  addReference,
  Attachment,
  disposeOf,
  dropReference,
  type Place,
  placeOf,
  SCOPE,
  SharedHandle,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { loseReferences } from "../_internal/codec/references.ts";
import { type Space, spaceOf } from "../_internal/memory/space.ts";
import {
  deadlineOf,
  NO_OPTIONS,
  show,
  validateWait,
  type WaitOptions,
  type WaitSyncOptions,
  withoutPrototype,
} from "../_internal/options.ts";
import "../_internal/processes/process_memory.ts";
import {
  addChild,
  ensureOwnRecord,
  exitCodeOf,
  hasProcessEnded,
  objectOfProcess,
  ownRecord,
  PID,
  PROCESS_WORDS,
  removeChild,
  waitForProcess,
} from "../_internal/processes/process_record.ts";
import { checkPermissions, checkReadable, mainOfThis } from "../_internal/processes/runtime_command.ts";
import { signalProcess } from "../_internal/processes/signal.ts";
import { launch, untilNoted } from "../_internal/processes/start_process.ts";
import { receive } from "../_internal/processes/without_memory.ts";
import { importingModule } from "../_internal/runtime/import_guard.ts";
import { signalName } from "../_internal/runtime/spawn.ts";
import { loadProcessCalls } from "../_internal/system/system.ts";
import { SIGKILL, SIGTERM } from "../_internal/system/calls.ts";
import { describeSubclass, describeTarget, type TargetDescriptor } from "../_internal/targets/describe.ts";
import { dropPayload, losePayload, packPayload, type ProcessHead } from "../_internal/work/starting.ts";
import {
  BOOTING,
  clearFlags,
  DAEMON,
  ERROR,
  FLAGS,
  freeBytes,
  freeNames,
  LOST,
  NEW,
  OUTCOME,
  PARENT,
  PAYLOAD,
  POINT,
  readBytes,
  readName,
  readOutcome,
  RESULT,
  setFlags,
  STATE,
  writeBytes,
  writeName,
} from "../_internal/work/record.ts";
import { methodInUse, type StartMethod } from "./start_method.ts";

/**
 * Some of the permissions of a program on Deno: those of `Deno.PermissionOptionsObject`. What is not named is not granted.
 * `"inherit"`: what this program has of it; `true`: all of it; an array: these.
 */
export interface ProcessPermissions {
  /** Reading files: all, or these files and folders. */
  read?: "inherit" | boolean | (string | URL)[];
  /** Writing files: all, or these files and folders. */
  write?: "inherit" | boolean | (string | URL)[];
  /** The network: all of it, or these hosts. */
  net?: "inherit" | boolean | string[];
  /** The environment: all of it, or these variables. */
  env?: "inherit" | boolean | string[];
  /** Running programs: all, or these. */
  run?: "inherit" | boolean | (string | URL)[];
  /** Information on the system: all, or of these kinds. */
  sys?: "inherit" | boolean | string[];
  /** Native libraries. Only with all of them are the processes' shared objects there. */
  ffi?: "inherit" | boolean | (string | URL)[];
  /** Importing from other hosts: from all, or from these. */
  import?: "inherit" | boolean | string[];
}

/** How a {@linkcode Process} is made. */
export interface ProcessOptions<A extends unknown[], R> {
  /** What the process runs: see the package's documentation for which functions can. Without one, nothing. */
  target?: (...args: A) => R | Promise<R>;
  /** The target's arguments, copied at {@linkcode Process.start} as `structuredClone` would; shared objects stay shared. */
  args?: A;
  /** A label, for people. By default `Process-1`, and `Process-1:1` for the first that this one makes. */
  name?: string;
  /** Whether the process ends with the one that starts it. By default what the process is that constructs this one. */
  daemon?: boolean;
  /** The folder in which the process runs. By default the one in which the starter is at {@linkcode Process.start}. */
  cwd?: string | URL;
  /** Variables of the environment, besides those of the starter. */
  env?: Record<string, string>;
  /**
   * What the process may do on Deno. `"inherit"`, the default: what this program may, as far as Deno lets it be told,
   * and never more. On other runtimes there is nothing else. Whatever it may, a process imports the modules of its target and
   * what these import; without `read` it cannot read their files.
   */
  permissions?: "inherit" | "none" | ProcessPermissions;
}

/** Sets the function that {@linkcode Process.run} calls: in the process, where it has been found again. */
export let setTarget: (process: Process<unknown[]>, target: (...args: never[]) => unknown) => void;

/** Makes a process that is started by that method, whatever the program's is. */
export let setMethod: (process: Process<unknown[]>, method: StartMethod) => void;

/**
 * A function that runs at the same time as the rest of the program, in a process of its own: a fresh runtime of the same
 * kind, with the same import map and configuration.
 *
 * The process imports the target's module anew. Nothing is shared but the objects of this package's `multiprocessing`
 * and what is in them; what the starter wrote there before {@linkcode Process.start} is visible to the process, what the
 * process wrote to whoever has joined it. Its standard input is empty, its output goes where the starter's goes. A
 * handle can be sent to other processes of the tree, which may join or end the process too.
 *
 * It ends when the target has returned and its own threads and children have ended. The program ends when the main
 * module has and every process that is no daemon. When a process ends, however, its children end within two seconds.
 *
 * Python: `multiprocessing.Process`.
 *
 * @example
 * ```ts
 * import { Process } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number): number {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   const process = new Process({ target: square, args: [7] }).start();
 *   assertEquals(await process.result(), 49);
 *   assertEquals(process.exitCode, 0);
 * }
 * ```
 *
 * @example A subclass, which must be exported
 * ```ts
 * import { Process } from "@weft/concurrent/multiprocessing";
 *
 * export class Greeter extends Process {
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
export class Process<A extends unknown[] = unknown[], R = unknown> extends SharedHandle implements AsyncDisposable {
  readonly #place: Place = placeOf(this);
  /** @ignore */
  static readonly [SCOPE]: Scope = "process";

  // Not of A and R: any process is a Process<unknown[]>.
  #target: ((...args: unknown[]) => unknown) | undefined;
  #descriptor: TargetDescriptor | undefined;
  #options: ProcessOptions<never[], unknown> = NO_OPTIONS;
  #method: StartMethod | undefined;

  static {
    setTarget = (process, target) => process.#target = target as never;
    setMethod = (process, method) => process.#method = method;
  }

  /**
   * Makes a process that has not started.
   *
   * @throws {TypeError} If an option is of the wrong kind.
   * @throws {TargetError} If the target cannot run in another process, as far as that can be seen from here.
   * @throws {NotSupportedError} If other `permissions` are asked for than the program's on a runtime that has none.
   * @throws {Deno.errors.NotCapable} If the program may not do what that takes; the message names the flag.
   */
  constructor(options?: ProcessOptions<A, R>) {
    super(new.target, options instanceof Attachment ? options : undefined, () => {
      validate(options);
      checkPermissions("create process");
      return { action: "create process", kind: PROCESS, words: PROCESS_WORDS };
    });
    if (options instanceof Attachment || this.#place.at < 0) return;
    this.#options = withoutPrototype({ ...options }) as ProcessOptions<never[], unknown>;
    const { target, name, daemon } = this.#options;
    if (target !== undefined) {
      this.#descriptor = describeTarget(target, { what: "process target" });
    }
    this.#target = target as (...args: unknown[]) => unknown;
    const { space } = this.#place;
    const number = add(spaceOf("thread").words, PROCESS_NAMES_AT, 1) + 1;
    const own = ownRecord();
    const prefix = own === 0 ? undefined : /^Process-[\d:]+$/.exec(readName(space, own))?.[0];
    const label = prefix === undefined ? `Process-${number}` : `${prefix}:${number}`;
    writeName(space, this.#place.at, name ?? label);
    if (daemon ?? (own !== 0 && (load(space.words, own + FLAGS) & DAEMON) !== 0)) {
      setFlags(space, this.#place.at, DAEMON);
    }
  }

  /**
   * Starts the process. Returns at once; it is up some tens of milliseconds later, or with the method `"forkserver"` a few.
   *
   * @throws {InvalidStateError} If it was started before, or while a process or thread imports its target's modules: a
   * program whose modules start processes when they are imported would multiply without end.
   * @throws {DOMException} `DataCloneError`, if an argument cannot be sent. The process can be started again.
   * @throws {TypeError} If an argument is shared among threads only.
   * @throws {TargetError} If a subclass with `run()` has `#private` fields, or is not exported as far as that can be seen from
   * here; else `result()` throws it.
   * @throws {Deno.errors.NotCapable} If the program may not do what that takes; the message names the flag.
   */
  start(): this {
    const importing = importingModule();
    if (importing !== undefined) {
      throw new InvalidStateError(
        `Cannot start process as ${importing} and is not through yet: put the main part of the program under if (import.meta.main)`,
      );
    }
    if (this.#place.at < 0) unusable(this, "start process");
    const { space, at, words } = this.#place;
    checkPermissions("start process");
    if (compareExchange(words, at + STATE, NEW, BOOTING) !== NEW) {
      throw new InvalidStateError(`Cannot start process as "${this.#label}" was started before: make a new Process`);
    }
    let parent = 0;
    try {
      const head = this.#writePayload();
      parent = ensureOwnRecord(space);
      store(words, at + PARENT, parent);
      addReference(space, objectOfProcess(parent));
      addReference(space, objectOfProcess(at));
      addChild(space, parent, at);
      const { env, permissions = "inherit" } = this.#options;
      launch(space, at, {
        env,
        cwd: head.cwd,
        permissions,
        method: this.#method ?? methodInUse(),
        descriptors: { type: head.type, target: head.target },
      });
    } catch (error) {
      if (parent !== 0) {
        if (removeChild(space, parent, at)) dropReference(space, objectOfProcess(at));
        store(words, at + PARENT, 0);
        dropReference(space, objectOfProcess(parent));
      }
      dropPayload(readBytes(space, at + PAYLOAD));
      freeBytes(space, at + PAYLOAD);
      store(words, at + STATE, NEW);
      throw error;
    }
    return this;
  }

  /**
   * Waits until the process is gone, without blocking the event loop. Any number may wait, also in other processes. What
   * the target threw is not thrown here: see {@linkcode Process.result}.
   *
   * @returns `true` once it is gone, `false` if `timeout` passed first.
   * @throws {InvalidStateError} Before the start, or in the process itself.
   * @throws The signal's reason, if it is aborted first.
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const timeout = this.#validateJoin(options, "join process");
    return await this.#ended(timeout, options?.signal, () => false);
  }

  /**
   * Blocks this thread until the process is gone. The process needs nothing of its starter's event loop.
   *
   * @returns `true` once it is gone, `false` if `timeout` passed first.
   * @throws {InvalidStateError} Before the start, or in the process itself.
   */
  joinSync(options?: WaitSyncOptions): boolean {
    const deadline = deadlineOf(this.#validateJoin(options, "join process"));
    return waitForProcess(this.#place.space, this.#place.at, () => deadline - now());
  }

  /**
   * Waits for what the target returns, and for the end of the process. The process has printed what its target threw, too:
   * it does not know whether its result is asked for.
   *
   * @returns A copy of the target's value. Every call gets a copy of its own.
   * @throws What the target threw: of the same built-in or registered class, with the stacks of both processes.
   * @throws {WorkerLostError} If the process ended in another way: by a signal, or by exiting. It has `exitCode` and
   * `signal`.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws {InvalidStateError} Before the start, or in the process itself.
   */
  async result(options?: WaitOptions): Promise<Awaited<R>> {
    const timeout = this.#validateJoin(options, "get the result of process");
    const { space, words, at } = this.#place;
    // Taken here, where the caller's frames still are.
    const here = new Error();
    await this.#ended(timeout, options?.signal, () => {
      throw new TimeoutError(
        `Cannot get the result of process "${this.#label}" as it ran for all of the ${timeout} ms of 'timeout'`,
      );
    });
    receive(at);
    const outcome = load(words, at + OUTCOME);
    if (outcome === LOST || outcome === 0) {
      const pid = load(words, at + PID);
      const exitCode = exitCodeOf(space, at);
      const signal = exitCode !== undefined && exitCode < 0 ? signalName(-exitCode) : undefined;
      throw new WorkerLostError(
        `Cannot get the result of process "${this.#label}" (pid ${pid}) as it ended before its target returned: ${
          signal !== undefined
            ? `killed by ${signal}`
            : exitCode === 0
            ? "exit code 0: it called exit(), or awaited what its event loop had nothing left to bring"
            : `exit code ${exitCode}`
        }`,
        { exitCode, signal, worker: this.#label, pid },
      );
    }
    const value = readOutcome(space, at);
    if (outcome === ERROR) {
      joinStacks(value, here.stack);
      throw value;
    }
    return value as Awaited<R>;
  }

  /** What the process runs: the target, unless a subclass overrides it. Calling it runs it in the calling process. */
  run(...args: A): R | Promise<R> {
    return this.#target?.(...args) as R | Promise<R>;
  }

  /** A label for people; need not be unique. */
  get name(): string {
    if (this.#place.at < 0) unusable(this, "tell the name of process");
    return readName(this.#place.space, this.#place.at);
  }

  set name(name: string) {
    if (typeof name !== "string") {
      throw new TypeError(`Cannot name process as 'name' must be a string: received ${show(name)}`);
    }
    if (this.#place.at < 0) unusable(this, "name process");
    writeName(this.#place.space, this.#place.at, name);
  }

  /**
   * Whether the process ends with the one that started it, which does not wait for it. At the starter's end it is told to by
   * SIGTERM, and killed a second later; where the starter is killed, it is killed at once.
   */
  get daemon(): boolean {
    if (this.#place.at < 0) unusable(this, "tell whether process is a daemon");
    return (load(this.#place.words, this.#place.at + FLAGS) & DAEMON) !== 0;
  }

  /** @throws {InvalidStateError} Once the process was started. */
  set daemon(daemon: boolean) {
    if (typeof daemon !== "boolean") {
      throw new TypeError(`Cannot change process as 'daemon' must be a boolean: received ${show(daemon)}`);
    }
    if (this.#place.at < 0) unusable(this, "change process");
    if (load(this.#place.words, this.#place.at + STATE) !== NEW) {
      throw new InvalidStateError(
        `Cannot change 'daemon' of process "${this.#label}" as it was started: set it before start()`,
      );
    }
    if (daemon) or(this.#place.words, this.#place.at + FLAGS, DAEMON);
    else clearFlags(this.#place.space, this.#place.at, DAEMON);
  }

  /** The number that the system has for the process; `undefined` before the start. */
  get pid(): number | undefined {
    if (this.#place.at < 0) unusable(this, "tell the number of process");
    return load(this.#place.words, this.#place.at + PID) || undefined;
  }

  /** Another name of {@linkcode Process.pid}. */
  get ident(): number | undefined {
    if (this.#place.at < 0) unusable(this, "tell the number of process");
    return load(this.#place.words, this.#place.at + PID) || undefined;
  }

  /**
   * How the process ended: 0 if its target returned, 1 if it threw, the code if it exited with one, and the negative number of
   * the signal that killed it. `undefined` while it runs, and before the start.
   */
  get exitCode(): number | undefined {
    if (this.#place.at < 0) unusable(this, "tell the exit code of process");
    return exitCodeOf(this.#place.space, this.#place.at);
  }

  /** Whether the process was started and is not gone. Out of date as soon as it is read. */
  get isAlive(): boolean {
    if (this.#place.at < 0) unusable(this, "tell whether process is alive");
    // A thread that loops until it is not alive does nothing else.
    seeToOthers();
    return this.#isAlive();
  }

  /**
   * Ends the process by SIGTERM, and so its children. It may have a handler for that, and otherwise no code of it runs any
   * more. On Deno a process that does not return to its event loop ends 100 ms later, and then also where it has a
   * handler. What it held is up for others. A process that was not started, or is gone, is left as it is.
   */
  terminate(): void {
    this.#signal(SIGTERM);
  }

  /** Ends the process by SIGKILL, and so its children: as {@linkcode Process.terminate}, but there is no handler for it. */
  kill(): void {
    this.#signal(SIGKILL);
  }

  /**
   * Gives up what is kept of a process that is gone, or was not started. After that every use through this handle throws
   * {@linkcode InvalidStateError}.
   *
   * @throws {InvalidStateError} If the process is alive.
   */
  close(): void {
    if (this.#place.at < 0) return;
    if (this.#isAlive()) {
      throw new InvalidStateError(
        `Cannot close process "${this.#label}" as it is alive: join() it first, or terminate() and then join()`,
      );
    }
    disposeOf(this);
  }

  /** Joins the process; does nothing if it was not started, or was closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#place.at >= 0 && load(this.#place.words, this.#place.at + STATE) !== NEW) await this.join();
  }

  #isAlive(): boolean {
    const { space, words, at } = this.#place;
    return load(words, at + STATE) !== NEW && !hasProcessEnded(space, at);
  }

  // Whatever a subclass calls its own fields.
  get #label(): string {
    return readName(this.#place.space, this.#place.at);
  }

  #signal(signal: number): void {
    if (this.#place.at < 0) unusable(this, "end process");
    if (load(this.#place.words, this.#place.at + STATE) !== NEW) {
      signalProcess(this.#place.space, this.#place.at, signal);
    }
  }

  #writePayload(): ProcessHead {
    const { space, at } = this.#place;
    const isSubclass = Object.getPrototypeOf(this) !== Process.prototype && this.run !== Process.prototype.run;
    const calls = loadProcessCalls("start process");
    const folder = calls.folder();
    const { args = [], cwd } = this.#options;
    const head: ProcessHead = {
      target: this.#descriptor,
      main: mainOfThis(),
      cwd: absoluteFolder(cwd, folder),
      name: this.#label,
      method: methodInUse(),
    };
    if (cwd !== undefined && !calls.isFolder(head.cwd)) {
      throw new TypeError(`Cannot start process as 'cwd' must be a folder: received ${show(cwd)}`);
    }
    if (isSubclass) head.type = describeSubclass(this, Process, { what: "process class" });
    for (const descriptor of [head.target, head.type]) {
      if (descriptor !== undefined && "module" in descriptor) checkReadable(descriptor.module);
    }
    const content: { args: unknown[]; fields?: object } = { args };
    if (isSubclass) content.fields = { ...this };
    const rest = encode(content, { root: "", scope: "process" });
    writeBytes(space, at + PAYLOAD, packPayload(JSON.stringify(head), rest), "start process");
    return head;
  }

  #validateJoin(options: WaitOptions | undefined, action: string): number {
    if (this.#place.at < 0) unusable(this, action);
    const timeout = validateWait(options, action);
    if (load(this.#place.words, this.#place.at + STATE) === NEW) {
      throw new InvalidStateError(`Cannot ${action} "${this.#label}" as it was not started: call start() first`);
    }
    if (this.#place.at === ownRecord()) {
      throw new InvalidStateError(
        `Cannot ${action} "${this.#label}" as that is this process: it would wait for itself`,
      );
    }
    return timeout;
  }

  async #ended(timeout: number, signal: AbortSignal | undefined, expired: () => boolean): Promise<boolean> {
    const { space, at } = this.#place;
    const ended = await space.async.wait<boolean>(at + POINT, {
      attempt: () => hasProcessEnded(space, at) ? true : undefined,
      deadline: deadlineOf(timeout),
      expired,
      signal,
    });
    if (ended) await untilNoted(at);
    return ended;
  }
}

function absoluteFolder(cwd: string | URL | undefined, folder: string): string {
  if (cwd === undefined) return folder;
  if (cwd instanceof URL) return decodeURIComponent(cwd.pathname);
  return cwd.startsWith("/") ? cwd : `${folder}/${cwd}`;
}

function validate(options: unknown): void {
  if (options === undefined) return;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot create process as the options must be an object like { target }: received ${show(options)}`,
    );
  }
  const { target, args, name, daemon, cwd, env, permissions } = options as Record<string, unknown>;
  const refuse = (what: string, kind: string, value: unknown): never => {
    throw new TypeError(`Cannot create process as '${what}' must be ${kind}: received ${show(value)}`);
  };
  if (target !== undefined && typeof target !== "function") refuse("target", "a function", target);
  if (args !== undefined && !Array.isArray(args)) refuse("args", "an array", args);
  if (name !== undefined && typeof name !== "string") refuse("name", "a string", name);
  if (daemon !== undefined && typeof daemon !== "boolean") refuse("daemon", "a boolean", daemon);
  if (cwd !== undefined && typeof cwd !== "string" && !(cwd instanceof URL && cwd.protocol === "file:")) {
    refuse("cwd", "a path or a file: URL", cwd);
  }
  if (env !== undefined) {
    if (typeof env !== "object" || env === null) refuse("env", "an object of strings", env);
    for (const [key, value] of Object.entries(env as object)) {
      if (typeof value !== "string") refuse(`env.${key}`, "a string", value);
    }
  }
  if (permissions === undefined || permissions === "inherit") return;
  if (permissions !== "none" && (typeof permissions !== "object" || permissions === null)) {
    refuse("permissions", '"inherit", "none" or an object like { read: true }', permissions);
  }
  if (!("Deno" in globalThis)) {
    throw new NotSupportedError(
      "Cannot create process with other 'permissions' than this one has as this runtime knows none: leave them out, or run on Deno",
    );
  }
}

function destroy(space: Space, record: number): void {
  losePayload(readBytes(space, record + PAYLOAD));
  freeBytes(space, record + PAYLOAD);
  const result = readBytes(space, record + RESULT);
  if (result !== undefined) loseReferences(result);
  freeBytes(space, record + RESULT);
  freeNames(space, record);
  const parent = load(space.words, record + PARENT);
  if (parent !== 0) dropReference(space, objectOfProcess(parent));
}

registerClass("process", PROCESS, Process);
defineKind(PROCESS, {
  destroy,
  readiness: (space, at) => ({ points: [at + POINT], isReady: () => hasProcessEnded(space, at) }),
});
