/**
 * The class `Process`, and what differs between processes and threads. What they have in common is in
 * _internal/work/runner.ts.
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
 * The permissions of a process on Deno, with the names of `Deno.PermissionOptionsObject`.
 *
 * | Value       | What the process may do                                                       |
 * | ----------- | ----------------------------------------------------------------------------- |
 * | `"inherit"` | What its starter may do.                                                      |
 * | `true`      | Everything that the permission covers. The starter must have all of it.       |
 * | an array    | What the array names. The starter must be permitted each item.                |
 * | `false`     | Nothing. This is also the default of every permission that is left out.       |
 */
export interface ProcessPermissions {
  /** Reading files: all files, or these files and folders. Default: none. */
  read?: "inherit" | boolean | (string | URL)[];
  /** Writing files: all files, or these files and folders. Default: none. */
  write?: "inherit" | boolean | (string | URL)[];
  /** Using the network: all hosts, or these hosts. Default: none. */
  net?: "inherit" | boolean | string[];
  /** Reading and changing the environment: all variables, or these variables. Default: none. */
  env?: "inherit" | boolean | string[];
  /** Running other programs: all programs, or these programs. Default: none. */
  run?: "inherit" | boolean | (string | URL)[];
  /** Asking for information about the system: all of it, or these kinds. Default: none. */
  sys?: "inherit" | boolean | string[];
  /**
   * Calling native libraries: all libraries, or these libraries. Default: none. Unless it may call all of them, the process
   * cannot use the shared objects of this package, and its arguments must not contain any.
   */
  ffi?: "inherit" | boolean | (string | URL)[];
  /** Importing modules from other hosts: all hosts, or these hosts. Default: none. */
  import?: "inherit" | boolean | string[];
}

/** Options of {@linkcode Process}. */
export interface ProcessOptions<A extends unknown[], R> {
  /**
   * The function that the process runs: an exported function, a function that uses nothing but globals and its module's
   * imports and exports, or what {@linkcode task} returns: see docs/functions.md. Default: none, and the process ends at
   * once.
   */
  target?: (...args: A) => R | Promise<R>;
  /**
   * The arguments of `target`. Default: none. They are copied by {@linkcode Process.start}, as `structuredClone` does; shared
   * objects are not copied but shared.
   */
  args?: A;
  /**
   * A name for people, which need not be unique. Default: `Process-1`, with a count. For a process that `Process-1` creates:
   * `Process-1:1`.
   */
  name?: string;
  /**
   * Whether the process ends with its starter. If it is `false`, the starter does not end by itself before the process has
   * ended. Default: the value of the process that creates it.
   */
  daemon?: boolean;
  /** The folder in which the process runs. Default: the current folder of its starter at {@linkcode Process.start}. */
  cwd?: string | URL;
  /** Environment variables, in addition to the variables of the starter. Default: none. */
  env?: Record<string, string>;
  /**
   * What the process may do on Deno. Other runtimes have no permissions, and accept only `"inherit"`.
   *
   * - `"inherit"`: the permissions of the starter. Deno does not report a permission completely if it was granted in part, so
   *   the process may get less, but never more.
   * - `"none"`: no permissions.
   * - {@linkcode ProcessPermissions}: these permissions.
   *
   * The process can import the modules of its target, and the modules that they import, whatever its permissions are. Without
   * `read` it cannot read their files in another way. Default: `"inherit"`.
   */
  permissions?: "inherit" | "none" | ProcessPermissions;
}

/** The options that threads do not have. */
type OwnOptions = Pick<ProcessOptions<never[], unknown>, "cwd" | "env" | "permissions">;

const OWN_OPTIONS = ["cwd", "env", "permissions"] as const;

/** Returns the options and the start method of a process. */
let startOf: (process: Runner) => { options: OwnOptions; method: StartMethod };

/** Sets the start method of a process, which is then independent of the start method of the program. */
export let setMethod: (process: Process<unknown[]>, method: StartMethod) => void;

/**
 * A function that runs in parallel with the rest of the program, in a process of its own: a new instance of the same runtime,
 * with the same import map and configuration.
 *
 * - **Modules.** The process imports the target's module again. Nothing is shared but the objects of this module and their
 *   contents. With the start method `"forkserver"`, the top level of a module may run earlier and more often than processes
 *   are started.
 * - **Visibility.** The process sees everything that its starter wrote to shared memory before {@linkcode Process.start}. A
 *   process that has joined it sees everything that it wrote.
 * - **Input and output.** Its standard input is empty. Its output and its errors go where those of its starter go.
 * - **Handles** can be sent to other processes of the tree, which may join or end the process too.
 * - **The end.** A process ends when its target has returned, and its own non-daemon threads and processes have ended. The
 *   program ends when the main module and every process that is not a daemon have ended. When a process ends, for whatever
 *   reason, the processes that it started end within two seconds.
 * - **Death.** A lock that the process still holds when it ends passes to the next waiter, with `guard.abandoned` set.
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
 * import { assertEquals } from "@std/assert";
 *
 * export class Greeter extends Process {
 *   greeting = "hello";
 *   override run(): string {
 *     return `${this.greeting} world`;
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const greeter = new Greeter().start();
 *   assertEquals(await greeter.result(), "hello world");
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
   * Creates a process. It does not run before {@linkcode Process.start}.
   *
   * @param options The target, its arguments, and the rest of {@linkcode ProcessOptions}.
   * @throws {TypeError} If an option has the wrong type.
   * @throws {TargetError} If the target cannot run in another process, as far as the caller can tell.
   * @throws {NotSupportedError} If the runtime has no permissions, and `permissions` is not `"inherit"`.
   * @throws {Deno.errors.NotCapable} If the program lacks a permission that processes need. The message names the flag.
   */
  constructor(options?: ProcessOptions<A, R>) {
    super(processes, options);
    if (options !== undefined) this.#options = copyOptions(options, OWN_OPTIONS);
  }

  /** The process id that the system has given to the process; `undefined` before the start. Python: `Process.pid`. */
  get pid(): number | undefined {
    if (this.#place.at < 0) unusable(this, "tell the number of process");
    return load(this.#place.words, this.#place.at + PID) || undefined;
  }

  /** Another name for {@linkcode Process.pid}. Python: `Process.ident`. */
  get ident(): number | undefined {
    if (this.#place.at < 0) unusable(this, "tell the number of process");
    return load(this.#place.words, this.#place.at + PID) || undefined;
  }

  /**
   * How the process ended.
   *
   * | Value       | Meaning                                                    |
   * | ----------- | ---------------------------------------------------------- |
   * | `undefined` | It has not ended, or was not started.                      |
   * | 0           | Its target returned, or it exited with 0.                  |
   * | 1           | Its target threw, or it exited with 1.                     |
   * | above 1     | It exited with this code.                                  |
   * | negative    | A signal killed it: -15 is SIGTERM, and -9 is SIGKILL.     |
   *
   * Python: `Process.exitcode`.
   */
  get exitCode(): number | undefined {
    if (this.#place.at < 0) unusable(this, "tell the exit code of process");
    return exitCodeOf(this.#place.space, this.#place.at);
  }

  /**
   * Ends the process, and with it the processes that it started, by SIGTERM. Returns at once.
   *
   * - Unless the process handles the signal, no more of its code runs: no `finally` block, and no listener for its end.
   * - On Deno, a process that does not return to its event loop within 100 ms is killed, even if it handles the signal.
   * - Locks that it held pass to their waiters, with `guard.abandoned` set. A pipe or queue that it used stays intact.
   * - If the process was not started, or has ended, nothing happens.
   *
   * {@linkcode Process.join} then waits until the process is gone.
   *
   * Python: `multiprocessing.Process.terminate`.
   *
   * @example
   * ```ts
   * import { Process, sleep } from "@weft/concurrent/multiprocessing";
   * import { assertEquals } from "@std/assert";
   *
   * const process = new Process({ target: sleep, args: [60_000] }).start();
   * process.terminate();
   * await process.join();
   * assertEquals(process.exitCode, -15);
   * ```
   */
  terminate(): void {
    this.#signal(SIGTERM);
  }

  /**
   * Ends the process, and with it the processes that it started, by SIGKILL, which a process cannot handle. Returns at once.
   *
   * What happens to locks, pipes and queues is the same as with {@linkcode Process.terminate}.
   *
   * Python: `multiprocessing.Process.kill`.
   *
   * @example
   * ```ts
   * import { Process, sleep } from "@weft/concurrent/multiprocessing";
   * import { assertEquals } from "@std/assert";
   *
   * const process = new Process({ target: sleep, args: [60_000] }).start();
   * process.kill();
   * await process.join();
   * assertEquals(process.exitCode, -9);
   * ```
   */
  kill(): void {
    this.#signal(SIGKILL);
  }

  /**
   * Closes the handle of a process that has ended or was not started. The record of the process is freed with its last handle.
   *
   * After this, every use of this handle throws {@linkcode InvalidStateError}. Handles in other threads and processes stay
   * valid. Closing a handle again has no effect. A handle that is never closed is released when it is garbage-collected.
   *
   * Python: `multiprocessing.Process.close`.
   *
   * @throws {InvalidStateError} If the process is alive.
   *
   * @example
   * ```ts
   * import { InvalidStateError, Process } from "@weft/concurrent/multiprocessing";
   * import { assertEquals, assertThrows } from "@std/assert";
   *
   * const process = new Process({ target: Math.sqrt, args: [16] }).start();
   * assertEquals(await process.result(), 4);
   * process.close();
   * assertThrows(() => process.exitCode, InvalidStateError);
   * ```
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
          ? "exit code 0: it called exit(), or its target awaited a promise that nothing was left to resolve"
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
      "Cannot create process with 'permissions' as this runtime has no permissions: leave them out, or run on Deno",
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
