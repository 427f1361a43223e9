/**
 * The class `Process`, and what processes have of their own beside what a Runner does for them and for threads.
 *
 * @module
 */

import { add, load, now } from "../_internal/atomics.ts";
import { InvalidStateError, NotSupportedError, WorkerLostError } from "../_internal/errors.ts";
import { defineKind, PROCESS } from "../_internal/memory/kinds.ts";
import { PROCESS_NAMES_AT } from "../_internal/memory/memory.ts";
import {
  disposeOf,
  dropReference,
  type Place,
  placeOf,
  registerProcessClass,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { spaceOf } from "../_internal/memory/space.ts";
import { copyOptions, deadlineOf, NO_OPTIONS, show } from "../_internal/options.ts";
import "../_internal/processes/process_memory.ts";
import {
  exitCodeOf,
  hasProcessEnded,
  ownRecord,
  PID,
  PROCESS_WORDS,
  waitForProcess,
} from "../_internal/processes/process_record.ts";
import { checkPermissions, checkReadable, mainOfThis } from "../_internal/processes/runtime_command.ts";
import { signalProcess } from "../_internal/processes/signal.ts";
import { launchProcess, untilNoted } from "../_internal/processes/start_process.ts";
import { receive } from "../_internal/processes/unseen.ts";
import { signalName } from "../_internal/runtime/spawn.ts";
import { requireIdentity } from "../_internal/runtime/this_thread.ts";
import { SIGKILL, SIGTERM } from "../_internal/system/calls.ts";
import { loadProcessCalls } from "../_internal/system/system.ts";
import { NEW, objectOf, PARENT, POINT, readName, STATE } from "../_internal/work/record.ts";
import { destroyRecord, type Ending, Runner, type RunnerKind } from "../_internal/work/runner.ts";
import type { ProcessHead } from "../_internal/work/starting.ts";
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
  /** A label, for people. By default `Process-1`, and `Process-1:1` for the first process that `Process-1` makes. */
  name?: string;
  /** Whether the process ends with its starter. By default as for the process that makes it. */
  daemon?: boolean;
  /** The folder in which the process runs. By default the folder in which its starter is at {@linkcode Process.start}. */
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

/** What only processes are made with. */
type OwnOptions = Pick<ProcessOptions<never[], unknown>, "cwd" | "env" | "permissions">;

const OWN_OPTIONS = ["cwd", "env", "permissions"] as const;

/** How a process is to be started. */
let startOf: (process: Runner) => { options: OwnOptions; method: StartMethod };

/** Makes a process be started by that method, whatever the program's is. */
export let setMethod: (process: Process<unknown[]>, method: StartMethod) => void;

/**
 * A function that runs at the same time as the rest of the program, in a process of its own: a fresh runtime of the same
 * kind, with the same import map and configuration.
 *
 * The process imports the target's module anew. Nothing is shared but the objects of this package's `multiprocessing`
 * and what is in them; what the starter wrote there before {@linkcode Process.start} is visible to the process, what the
 * process wrote, to the processes that have joined it. Its standard input is empty, its output goes where the starter's goes. A
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
export class Process<A extends unknown[] = unknown[], R = unknown> extends Runner<A, R> {
  readonly #place: Place = placeOf(this);
  #options: OwnOptions = NO_OPTIONS;
  #method: StartMethod | undefined;

  static {
    startOf = (process) => {
      const made = process as Process<unknown[]>;
      return { options: made.#options, method: made.#method ?? methodInUse() };
    };
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
    super(processes, options);
    if (options !== undefined) this.#options = copyOptions(options, OWN_OPTIONS);
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

  /**
   * Ends the process by SIGTERM, and so its children. It may have a handler for that; otherwise no code of it runs any
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
    const { space, words, at } = this.#place;
    if (load(words, at + STATE) !== NEW && !hasProcessEnded(space, at)) {
      throw new InvalidStateError(
        `Cannot close process "${readName(space, at)}" as it is alive: join() it first, or terminate() and then join()`,
      );
    }
    disposeOf(this);
  }

  #signal(signal: number): void {
    const { space, words, at } = this.#place;
    if (at < 0) unusable(this, "end process");
    if (load(words, at + STATE) !== NEW) signalProcess(space, at, signal);
  }
}

const processes: RunnerKind = {
  label: "process",
  type: Process,
  kind: PROCESS,
  words: PROCESS_WORDS,
  options: OWN_OPTIONS,
  validate(options) {
    validate(options);
    checkPermissions("create process");
  },
  nameOf(given, _target, space) {
    const number = add(spaceOf("thread").words, PROCESS_NAMES_AT, 1) + 1;
    requireIdentity();
    const own = ownRecord();
    const prefix = own === 0 ? undefined : /^Process-[\d:]+$/.exec(readName(space, own))?.[0];
    return given ?? (prefix === undefined ? `Process-${number}` : `${prefix}:${number}`);
  },
  ownRecord() {
    requireIdentity();
    return ownRecord();
  },
  prepare(process, descriptors) {
    checkPermissions("start process");
    const { space, at } = placeOf(process);
    const { options: { cwd, env, permissions = "inherit" }, method } = startOf(process);
    const calls = loadProcessCalls("start process");
    const folder = absoluteFolder(cwd, calls.folder());
    if (cwd !== undefined && !calls.isFolder(folder)) {
      throw new TypeError(`Cannot start process as 'cwd' must be a folder: received ${show(cwd)}`);
    }
    for (const descriptor of [descriptors.target, descriptors.type]) {
      if (descriptor !== undefined && "module" in descriptor) checkReadable(descriptor.module);
    }
    const head: ProcessHead = {
      ...descriptors,
      main: mainOfThis(),
      cwd: folder,
      name: readName(space, at),
      method: methodInUse(),
    };
    return {
      head,
      launch: () => {
        const alike = JSON.stringify({ ...head, name: "" });
        launchProcess(space, at, { env, cwd: folder, permissions, method, descriptors, alike });
      },
    };
  },
  hasEnded: hasProcessEnded,
  waitUntilEnded(space, record, timeout) {
    const deadline = deadlineOf(timeout);
    return waitForProcess(space, record, () => deadline - now());
  },
  async waited(_space, record, hasEnded) {
    if (!hasEnded) return;
    await untilNoted(record);
    receive(record);
  },
  endingOf(space, record) {
    const exitCode = exitCodeOf(space, record);
    const ending: Ending = {};
    if (exitCode !== undefined) ending.exitCode = exitCode;
    if (exitCode !== undefined && exitCode < 0) ending.signal = signalName(-exitCode);
    return ending;
  },
  lostError(space, record, label) {
    const pid = load(space.words, record + PID);
    const { exitCode, signal } = this.endingOf(space, record);
    return new WorkerLostError(
      `Cannot get the result of process "${label}" (pid ${pid}) as it ended before its target returned: ${
        signal !== undefined
          ? `killed by ${signal}`
          : exitCode === 0
          ? "exit code 0: it called exit(), or awaited what its event loop had nothing left to bring"
          : `exit code ${exitCode}`
      }`,
      { exitCode, signal, worker: label, pid },
    );
  },
};

function absoluteFolder(cwd: string | URL | undefined, folder: string): string {
  if (cwd === undefined) return folder;
  if (cwd instanceof URL) return decodeURIComponent(cwd.pathname);
  return cwd.startsWith("/") ? cwd : `${folder}/${cwd}`;
}

function validate({ cwd, env, permissions }: Record<string, unknown>): void {
  const refuse = (what: string, wanted: string, value: unknown): never => {
    throw new TypeError(`Cannot create process as '${what}' must be ${wanted}: received ${show(value)}`);
  };
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

registerProcessClass(PROCESS, Process);
defineKind(PROCESS, {
  destroy(space, record) {
    destroyRecord(space, record);
    const parent = load(space.words, record + PARENT);
    if (parent !== 0) dropReference(space, objectOf(parent));
  },
  readiness: (space, at) => ({ points: [at + POINT], isReady: () => hasProcessEnded(space, at) }),
});
