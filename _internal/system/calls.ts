/**
 * What the library asks of the operating system: {@linkcode Libc}, which is memory that processes share, sleeping in it, and
 * files; {@linkcode ProcessCalls}, which is how processes start, whether they live, and how they end; and what Linux and macOS
 * do for these in the same way.
 *
 * Each system has a file for each of the two, libc_*.ts and process_calls_*.ts; system.ts chooses, and ffi.ts is how the C
 * library is called.
 *
 * @module
 */

import { isBun, isBunBefore, nodeProcess } from "../runtime/runtime.ts";
import { type Argument, cString, type Native } from "./ffi.ts";

/** The operating system, as one thread reaches it. Descriptors and addresses are those of the whole process. */
export interface Libc {
  readonly native: Native;
  /**
   * A file of no length for the memory of a tree of processes, which goes when the last process that has it is gone; negative
   * where that fails. Only this user may open it.
   */
  createShared(): number;
  /** Where another process of this user can open what {@linkcode Libc.createShared} made, while this process lives. */
  pathOf(descriptor: number): string;
  /**
   * Says that this process lives, by a number among the processes that have the file. The system takes that back
   * when the process is gone, however it ended, and before another can have its pid. `false`: the number is taken.
   */
  holdNumber(descriptor: number, number: number): boolean;
  /** Whether another process that holds the number lives. */
  isNumberHeld(descriptor: number, number: number): boolean;
  /** At the end of this process: takes away what the system would leave of the file. */
  leave(descriptor: number): void;
  /** Takes away what is left of the files of processes that were killed. */
  sweep(): void;
  /** Memory that the threads of this process alone have, for {@linkcode Libc.wait} too. 0: there is none. */
  mapOwn(bytes: number): number;
  /**
   * Opens a file to read and write: one that is there, a new one (`"new"`: fails where there is one), or either of them
   * (`"append"`: and writes go to its end). Only this user may open a new one. `"read"`: one that is there, only to read it.
   * Negative: see {@linkcode Libc.errno}.
   */
  open(path: string, how?: "new" | "append" | "read"): number;
  /** Which process this is. */
  readonly pid: number;
  /** When a process was started, in units of the system's: tells it from a later process of that number. 0: it is gone. */
  startOf(pid: number): number;
  close(descriptor: number): void;
  /** All of a file from its beginning, up to so many bytes; `undefined` where it cannot be read. */
  read(descriptor: number, most: number): Uint8Array | undefined;
  /** Writes bytes where the file is at. */
  write(descriptor: number, bytes: Uint8Array): boolean;
  /** Which file it is, and whose. */
  identify(descriptor: number): FileIdentity;
  /** Gives a file a second name, unless that is taken. */
  link(path: string, second: string): boolean;
  /** Takes a name away. */
  unlink(path: string): boolean;
  /** The names in a folder; none where it cannot be read. */
  list(folder: string): string[];
  /** Where memory files are. */
  readonly memoryFolder: string;
  /** The size of an open file in bytes; negative where that has none. */
  sizeOf(descriptor: number): number;
  setSize(descriptor: number, bytes: number): boolean;
  /** Sees to it that a part of a file can be touched: there is memory for it. What is in it stays. */
  reserve(descriptor: number, offset: number, bytes: number): boolean;
  /** Maps a file so that each process that does sees what another writes. 0: there is no room. */
  map(descriptor: number, bytes: number): number;
  unmap(address: number, bytes: number): void;
  /**
   * Takes the lock on a file for this open descriptor until that is closed, by the system if need be; alone, or shared with
   * others that share it. `false`: another has it.
   */
  lockFile(descriptor: number, shared?: "shared"): boolean;
  /** Sleeps while the word is `expected`, for `ms` at most. May return for no reason. */
  wait(address: number, expected: number, ms: number): void;
  /** Wakes up to `count` threads that sleep on the word, in any process. Returns how many; of thousands macOS says 1. */
  wake(address: number, count: number): number;
  /** {@linkcode Libc.wait} beside the event loop; `undefined` where the runtime has no such thing. */
  readonly waitAsync: ((address: number, expected: number, ms: number) => Promise<number>) | undefined;
  /**
   * Sleeps while each of the words is what is expected; `undefined` where the system has no such thing. May return for no
   * reason.
   */
  readonly waitForAny: ((addresses: readonly number[], expected: readonly number[], ms: number) => void) | undefined;
  /** Why the last call failed. */
  errno(): number;
}

/** By what a file is known. */
export interface FileIdentity {
  /** Its number, which no other file has at the time. */
  readonly file: string;
  /** Of a file of this user. */
  readonly own: boolean;
  /** How many names it has. */
  readonly names: number;
}

/** Errors that are told apart: there is no file of that name; there is one. */
export const ENOENT = 2;
export const EEXIST = 17;

/** How a process ended: its exit code, or the negative number of the signal that ended it. */
type ExitStatus = number;

/** What is started. */
export interface ProgramOptions {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it starts; by default where this process is. */
  readonly cwd?: string;
  /** In a session of its own, so that neither a signal to the group nor a terminal that hangs up reaches it. */
  readonly apart?: boolean;
  /** Its descriptors: a path that is opened, to read alone if it is the first, or the number of one of this process's. */
  readonly descriptors: readonly (readonly [number, string | number])[];
}

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
   * Leaves to the process that started this one what a terminal or a supervisor sends to a whole group: SIGINT, SIGHUP and,
   * but for Bun on macOS, SIGTERM do nothing here, whatever code runs, until the program has a handler of its own.
   */
  leaveSignals(): void;
  /** Whether SIGTERM to a process on Bun would do nothing, since it leaves that to its starter. */
  leavesTerminate(pid: number): boolean;
  /** The number of SIGURG, which a process on Deno listens for: see processes/signal.ts. */
  readonly urgent: number;
  /** Sends a signal. `false`: there is no such process, or it is another user's. */
  signal(pid: number, signal: number): boolean;
  /** A descriptor that stands for a process, or a negative number. */
  openProcess(pid: number): number;
  /** Blocks until a process has ended, something can be received, or for `ms`. May return for no reason. */
  waitForEnd(descriptor: number, ms: number, received?: number): void;
  close(descriptor: number): void;
  /** Makes what other processes can tie their lives to while this one lives. A number; negative: that fails. */
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

// What both systems do in the same way.

type Call = (...args: Argument[]) => number;

const SEEK_SET = 0;
const FOLDER_BYTES = 4096;

/** {@linkcode Libc.read}. */
export function readFrom(c: { lseek: Call; read: Call }, descriptor: number, most: number): Uint8Array | undefined {
  c.lseek(descriptor, 0, SEEK_SET);
  const bytes = new Uint8Array(most);
  let length = 0;
  while (length < most) {
    const count = c.read(descriptor, bytes.subarray(length), most - length);
    if (count < 0) return undefined;
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}

/** What `mmap` returned; 0 where it failed, which it says by all ones, or -1. */
export function mapped(address: number): number {
  return address > 0 && address < 2 ** 53 ? address : 0;
}

/** {@linkcode ProcessCalls.folder}. */
export function currentFolder(c: { getcwd: Call }): string {
  const bytes = new Uint8Array(FOLDER_BYTES);
  if (c.getcwd(bytes, bytes.length) === 0) return "/";
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** A string of C's, by its address. */
export function stringAt(native: Native, c: { strlen: Call }, address: number): string {
  const length = c.strlen(native.toAddress(address));
  return length === 0 ? "" : new TextDecoder().decode(new Uint8Array(native.view(address, length)).slice());
}

/** {@linkcode ProcessCalls.removeVariable}. */
export function removeVariable(c: { unsetenv: Call }, name: string): void {
  // Before 1.4 Bun reads the environment anew for each worker, as far as it went at the start: where that has become
  // shorter, the process crashes.
  if (!isBunBefore(1, 4, 0)) c.unsetenv(cString(name));
  // A copy, on Bun.
  if (isBun) delete nodeProcess().env[name];
}
