/**
 * Starts another process of the same runtime, and sends signals by name and number. On Deno, it also makes a child leave to its
 * starter the signals that a whole group of processes gets.
 *
 * @module
 */

import { withoutPrototype } from "../options.ts";
import { bun, deno, isNode, nodeProcess } from "./runtime.ts";
import { isWorker } from "./this_thread.ts";

/** What to start. */
export interface SpawnOptions {
  /** Arguments of the runtime. */
  readonly args: readonly string[];
  /** The folder in which it starts. Default: the folder of this process. */
  readonly cwd?: string;
  /** Variables of its environment, in addition to those of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/** A process that this thread started. Its standard input is empty, and its output goes where the output of this process goes. */
export interface Spawned {
  readonly pid: number;
  /** How it ended: the exit code, or the negative number of the signal. */
  readonly ended: Promise<number>;
  /** Sets whether it keeps the program alive. At first it does. */
  setRef(ref: boolean): void;
}

/** The path of this runtime's executable. */
export function runtimePath(): string {
  return deno?.execPath() ?? nodeProcess().execPath;
}

/** Starts another process of this runtime. */
export function spawn({ args, cwd, env }: SpawnOptions): Spawned {
  if (deno !== undefined) {
    const options = withoutPrototype({ args, cwd, env, stdin: "null", stdout: "inherit", stderr: "inherit" });
    const child = new deno.Command(runtimePath(), options).spawn();
    // When a worker ends, Deno kills the processes that the worker started, except those that do not keep it alive. So none does:
    // the library itself makes a thread wait for its processes.
    const isOwned = !isWorker();
    if (!isOwned) child.unref();
    return {
      pid: child.pid,
      ended: child.status.then(({ code, signal }) => signal === null ? code : -signalNumber(signal)),
      setRef: (ref) => {
        if (!isOwned) return;
        if (ref) child.ref();
        else child.unref();
      },
    };
  }
  if (isNode) return spawnOnNode(args, cwd, env);
  if (bun === undefined) throw new TypeError("Cannot start process on this runtime");
  const child = bun.spawn(withoutPrototype({
    cmd: [runtimePath(), ...args],
    cwd,
    env: { ...nodeProcess().env, ...env },
    stdin: null,
    stdout: "inherit",
    stderr: "inherit",
  }));
  return {
    pid: child.pid,
    ended: child.exited.then(() => child.signalCode === null ? child.exitCode ?? 0 : -signalNumber(child.signalCode)),
    setRef: (ref) => ref ? child.ref() : child.unref(),
  };
}

interface NodeChild {
  readonly pid?: number;
  ref(): void;
  unref(): void;
  on(event: "error", listener: (error: unknown) => void): void;
  on(event: "exit", listener: (code: number | null, signal: string | null) => void): void;
}

interface ChildProcess {
  spawn(command: string, args: readonly string[], options: Record<string, unknown>): NodeChild;
}

function spawnOnNode(args: readonly string[], cwd: string | undefined, env: Readonly<Record<string, string>>): Spawned {
  const process = nodeProcess();
  const { spawn } = process.getBuiltinModule("node:child_process") as ChildProcess;
  const child = spawn(
    runtimePath(),
    args,
    withoutPrototype({ cwd, env: { ...process.env, ...env }, stdio: ["ignore", "inherit", "inherit"] }),
  );
  let failure: unknown;
  const ended = new Promise<number>((resolve) => {
    child.on("error", (error) => failure = error);
    child.on("exit", (code, signal) => resolve(signal === null ? code ?? 0 : -signalNumber(signal)));
  });
  // Node reports that a process could not be started in an event, and has no pid for it.
  if (child.pid === undefined) throw failure ?? new Error(`Cannot start ${runtimePath()}`);
  return { pid: child.pid, ended, setRef: (ref) => ref ? child.ref() : child.unref() };
}

/** The number of a signal on this system. */
function signalNumber(name: string): number {
  return signals()[name] ?? 9;
}

// The signals from 1 on. Deno tells their numbers only through `process`, whose first access runs all waiting microtasks
// in the middle of the caller (https://github.com/denoland/deno/pull/34469). The owner of a pool asks for a name while it
// removes a worker that was killed, and one of these microtasks may be the pool's own.
const NAMES: Readonly<Record<string, string>> = {
  linux:
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU " +
    "XFSZ VTALRM PROF WINCH IO PWR SYS",
  darwin:
    "HUP INT QUIT ILL TRAP ABRT EMT FPE KILL BUS SEGV SYS PIPE ALRM TERM URG STOP TSTP CONT CHLD TTIN TTOU IO XCPU XFSZ " +
    "VTALRM PROF WINCH INFO USR1 USR2",
};

/** The name of a signal on this system. */
export function signalName(number: number): string {
  if (deno === undefined) {
    return Object.entries(signals()).find(([, each]) => each === number)?.[0] ?? `signal ${number}`;
  }
  const name = NAMES[deno.build.os]?.split(" ")[number - 1];
  return name === undefined ? `signal ${number}` : `SIG${name}`;
}

function signals(): Record<string, number> {
  const os = nodeProcess().getBuiltinModule("node:os") as { constants: { signals: Record<string, number> } };
  return os.constants.signals;
}

// Signals to a whole group of processes.
//
// Deno catches SIGINT, SIGHUP and SIGTERM in every process, and ends the process if it has no listener. With a listener that
// does nothing the child leaves them to its starter, even while it runs code that never returns to the event loop. But
// `terminate()` sends SIGTERM too, and Deno does not tell whether the program has a listener of its own for it. So a process
// that terminates another first sends SIGURG, which does nothing by itself. The other process then removes the library's
// listener and sends itself SIGTERM. That calls the program's listeners, or ends the process. See processes/signal.ts.

const ignore = (): void => {};

/** On Deno: makes SIGINT, SIGHUP and SIGTERM do nothing, until the program adds a listener. */
export function ignoreOnDeno(): void {
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"]) deno!.addSignalListener(signal, ignore);
}

/** Calls `action` when another process asks this one to end. Returns `false` if this runtime has no need for that. */
export function onAsked(action: () => void): boolean {
  if (deno === undefined) return false;
  deno.addSignalListener("SIGURG", action);
  return true;
}

/** Undoes {@linkcode ignoreOnDeno} for SIGTERM. */
export function heedTerminate(): void {
  deno!.removeSignalListener("SIGTERM", ignore);
}
