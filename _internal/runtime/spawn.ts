/**
 * Another runtime of the same kind as a process: how it is started, by which names and numbers its signals go, and how a
 * child on Deno leaves to its starter the signals that a whole group of processes gets.
 *
 * @module
 */

import { withoutPrototype } from "../options.ts";
import { bun, deno, nodeProcess } from "./runtime.ts";
import { isWorker } from "./this_thread.ts";

/** What is started. */
export interface SpawnOptions {
  /** Arguments of the runtime. */
  readonly args: readonly string[];
  /** Where it starts; by default where this process is. */
  readonly cwd?: string;
  /** Variables besides those of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/** A process that this thread started. Its standard input is empty, its output goes where this one's goes. */
export interface Spawned {
  readonly pid: number;
  /** How it ended: the exit code, or the negative number of the signal. */
  readonly ended: Promise<number>;
  /** Whether it keeps the program alive. At first it does. */
  setRef(ref: boolean): void;
}

/** The program of this runtime. */
export function runtimePath(): string {
  return deno?.execPath() ?? nodeProcess().execPath;
}

/** Starts this runtime anew. */
export function spawn({ args, cwd, env }: SpawnOptions): Spawned {
  if (deno !== undefined) {
    const options = withoutPrototype({ args, cwd, env, stdin: "null", stdout: "inherit", stderr: "inherit" });
    const child = new deno.Command(runtimePath(), options).spawn();
    // With a worker Deno kills the processes that it started, but for those that are not to keep it alive. Nothing is lost: a
    // thread waits for its processes itself.
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

/** The number of a signal on this system. */
function signalNumber(name: string): number {
  return signals()[name] ?? 9;
}

/** The name of a signal on this system. */
export function signalName(number: number): string {
  return Object.entries(signals()).find(([, each]) => each === number)?.[0] ?? `signal ${number}`;
}

function signals(): Record<string, number> {
  const os = nodeProcess().getBuiltinModule("node:os") as { constants: { signals: Record<string, number> } };
  return os.constants.signals;
}

// Signals to a whole group of processes.
//
// Deno catches SIGINT, SIGHUP and SIGTERM in every process, and ends the process where there is no listener. A listener that
// does nothing is enough to leave them to the starter, also while code runs that never returns to the event loop. But SIGTERM
// is also what `terminate()` sends, and nothing tells whether the program has a listener of its own for it. So a process that
// terminates another asks first, by SIGURG, which does nothing by itself: then the other takes the library's listener off and
// sends itself the SIGTERM, for which the program's listeners are called, or which ends it. See processes/signal.ts.

const ignore = (): void => {};

/** On Deno: has SIGINT, SIGHUP and SIGTERM do nothing, until the program has a listener. */
export function ignoreOnDeno(): void {
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"]) deno!.addSignalListener(signal, ignore);
}

/** Calls `action` when another process asks. `false`: none does on this runtime. */
export function onAsked(action: () => void): boolean {
  if (deno === undefined) return false;
  deno.addSignalListener("SIGURG", action);
  return true;
}

/** Ends {@linkcode ignoreOnDeno} for SIGTERM. */
export function heedTerminate(): void {
  deno!.removeSignalListener("SIGTERM", ignore);
}
