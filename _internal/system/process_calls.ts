/**
 * What the library asks of the operating system about processes: who has ended and how, signals, and that a process
 * ends with its parent. There is one file for each system that can do it.
 *
 * @module
 */

import { system } from "./ffi.ts";
import { darwinProcesses } from "./process_calls_darwin.ts";
import type { ProgramOptions } from "./posix_spawn.ts";
import { linuxProcesses } from "./process_calls_linux.ts";
import { NotSupportedError } from "../errors.ts";

/** How a process ended: its exit code, or the negative number of the signal that ended it. */
export type ExitStatus = number;

/** Processes, as one thread reaches them. */
export interface ProcessCalls {
  /**
   * How a child of this process ended, without taking that from the runtime, which wants to know too. `undefined`: it
   * runs. `"unknown"`: it is no child of this process, or the runtime has heard of its end already.
   */
  exitOf(pid: number): ExitStatus | "unknown" | undefined;
  /** How a process ended that is not this one's child, while its parent has not heard of it. `"gone"`: there is none. */
  exitOfOther(pid: number): ExitStatus | "gone" | undefined;
  /**
   * Leaves what a terminal or a supervisor sends to a whole group to the process that started this one: SIGINT and SIGHUP,
   * and but for Bun on macOS SIGTERM, do nothing here, whatever code runs, until the program has a handler of its own.
   */
  leaveSignals(): void;
  /** Whether SIGTERM to a process on Bun would do nothing, since it leaves that to its starter. */
  leavesTerminate(pid: number): boolean;
  /** The number of SIGURG, which a process on Deno listens for: see signals.ts. */
  readonly urgent: number;
  /** Sends a signal. `false`: there is no such process, or it is another user's. */
  signal(pid: number, signal: number): boolean;
  /** A descriptor that stands for a process, or a negative number. */
  openProcess(pid: number): number;
  /** Blocks until a process has ended, something can be received, or for `ms`. May return for no reason. */
  waitForEnd(descriptor: number, ms: number, received?: number): void;
  close(descriptor: number): void;
  /** Makes what other processes can tie their lives to, for as long as this one lives. A number; negative: that fails. */
  openLifeline(): number;
  /** What another process needs for {@linkcode ProcessCalls.dieWith}. One word. */
  lifelineOf(opened: number): string;
  /**
   * Ties the life of this process to that of the one with the lifeline: it is killed when that one is gone, whatever code
   * of the program runs or does not. `false`: it is gone already.
   */
  dieWith(lifeline: string): boolean;
  /** Whether the process of {@linkcode ProcessCalls.dieWith} is gone, or goes within `ms`. */
  isOrphan(ms: number): boolean;
  /**
   * Has the system kill a process when this one ends, however it does, also where that process can do nothing for it.
   * Returns how to call that off. `undefined`: the system has no such thing.
   */
  readonly killAfterThis: ((pid: number) => () => void) | undefined;
  /** Starts a program, and says its number; 0: the system starts none. `undefined`: not on this system. */
  readonly start: ((options: ProgramOptions) => number) | undefined;
  /** Takes note of the end of a child that the runtime knows nothing of. */
  reap(pid: number): void;
  /** A descriptor from which these bytes can be read; negative: the system has no room. Of a system with `start`. */
  openBytes(bytes: Uint8Array): number;
  /** Two descriptors of which each reads what is written to the other. Of a system with `start`. */
  openPair(): readonly [number, number] | undefined;
  /** What can be read at once: so many bytes, 0 at the end, a negative number where there is nothing yet. */
  receive(descriptor: number, bytes: Uint8Array): number;
  /** Resolves when the process has ended, when there is something to receive, or after `ms`. On Deno alone. */
  readonly waitForEither: ((process: number, descriptor: number, ms: number) => Promise<number>) | undefined;
  /** The command line of this process, without the program's name. */
  commandLine(): string[];
  /** Makes a folder the current one. */
  changeFolder(path: string): boolean;
  /** Whether there is a folder at that path. */
  isFolder(path: string): boolean;
  /** Whether there is anything at that path. */
  exists(path: string): boolean;
  /** The current folder. */
  folder(): string;
  /** The variables with which this process began. Of a system with `start`. */
  firstVariables(): Record<string, string>;
  /** A variable of the environment. */
  variable(name: string): string | undefined;
  /** Takes a variable out of the environment. */
  removeVariable(name: string): void;
}

export const SIGKILL = 9;
export const SIGTERM = 15;

let calls: ProcessCalls | undefined;

/** The operating system. `action` is for the message where it cannot be reached. */
export function loadProcessCalls(action: string): ProcessCalls {
  return calls ??= open(action);
}

function open(action: string): ProcessCalls {
  const { os } = system();
  if (os === "linux") return linuxProcesses(action);
  if (os === "darwin") return darwinProcesses(action);
  throw new NotSupportedError(
    `Cannot ${action} as this library cannot look after processes on this system: received ${os}, expected Linux or macOS (all of @weft/concurrent/threading and @weft/concurrent/sync works here)`,
  );
}
