/**
 * What this library needs from the operating system, in two interfaces: {@linkcode Libc} for memory that processes share,
 * sleeping on words of it, and files; {@linkcode ProcessCalls} for the start, the life and the end of processes. The code
 * that is the same on Linux and macOS is here as well.
 *
 * Each system has a module for each interface: libc_*.ts and process_calls_*.ts. system.ts chooses between them, and
 * ffi.ts calls the C library.
 *
 * @module
 */

import { deno, isBunBefore, isNode, nodeProcess } from "../runtime/runtime.ts";
import { type Argument, cString, type Native } from "./ffi.ts";

/** The operating system, as a thread calls it. Descriptors and addresses are valid in all threads of the process. */
export interface Libc {
  readonly native: Native;
  /**
   * Creates an empty file for the memory of a tree of processes. It exists until the last process that has it is gone. Only
   * this user may open it. Negative: that failed.
   */
  createShared(): number;
  /**
   * The path by which another process of this user can open the file of {@linkcode Libc.createShared}, while this process
   * lives.
   */
  pathOf(descriptor: number): string;
  /**
   * Takes a number for this process, among the processes that have the file, to show that the process is alive. The
   * system takes it back when the process is gone, for whatever reason, and before another process can get its pid.
   * `false`: the number is taken.
   */
  holdNumber(descriptor: number, number: number): boolean;
  /** Whether a living process other than this one holds the number. */
  isNumberHeld(descriptor: number, number: number): boolean;
  /** When this process ends: removes what the system would leave of the file. */
  leave(descriptor: number): void;
  /** Removes what killed processes have left of their files. */
  sweep(): void;
  /** Maps memory that only the threads of this process have, and on which they can sleep. 0: there is no room. */
  mapOwn(bytes: number): number;
  /**
   * Opens a file. Only this user may open a file that this creates. Negative: it failed, and {@linkcode Libc.errno} says why.
   *
   * - Without `how`: an existing file, to read and write.
   * - `"read"`: an existing file, only to read.
   * - `"new"`: a file that must not exist yet, to read and write.
   * - `"append"`: an existing or a new file, to read and write. All writes go to its end.
   */
  open(path: string, how?: "new" | "append" | "read"): number;
  /** The pid of this process. */
  readonly pid: number;
  /** When a process was started, in a unit of the system. A later process with the same pid differs in it. 0: it is gone. */
  startOf(pid: number): number;
  close(descriptor: number): void;
  /** Reads a file from its beginning, up to `most` bytes; `undefined` if it cannot be read. */
  read(descriptor: number, most: number): Uint8Array | undefined;
  /** Writes bytes at the current position of the file. */
  write(descriptor: number, bytes: Uint8Array): boolean;
  /** Returns which file it is, and whether it belongs to this user. */
  identify(descriptor: number): FileIdentity;
  /** Gives a file a second name. `false`: that name is taken, or it failed for another reason. */
  link(path: string, second: string): boolean;
  /** Removes a name of a file. */
  unlink(path: string): boolean;
  /** The names in a folder; an empty list if it cannot be read. */
  list(folder: string): string[];
  /** The folder of memory files, with a slash at the end. */
  readonly memoryFolder: string;
  /** The size of an open file in bytes; negative if it has no size. */
  sizeOf(descriptor: number): number;
  setSize(descriptor: number, bytes: number): boolean;
  /** Makes sure that there is memory for a part of a file, so that the part can be read and written. Its contents stay. */
  reserve(descriptor: number, offset: number, bytes: number): boolean;
  /** Maps a file, so that all processes that map it see the same memory. 0: there is no room. */
  map(descriptor: number, bytes: number): number;
  unmap(address: number, bytes: number): void;
  /**
   * Locks a file, exclusively or shared with others. The lock belongs to the open descriptor, and ends when that is
   * closed, also by the end of the process. `false`: the file is locked by another descriptor.
   */
  lockFile(descriptor: number, shared?: "shared"): boolean;
  /** Sleeps while the word is `expected`, for at most `ms` milliseconds. It may also return for no reason. */
  wait(address: number, expected: number, ms: number): void;
  /**
   * Wakes up to `count` threads that sleep on the word, in any process, and returns how many it woke. On macOS, a call
   * that wakes all threads returns 1 for any number of threads.
   */
  wake(address: number, count: number): number;
  /** Lets another thread run first that is ready to run on this processor. */
  yield(): void;
  /** {@linkcode Libc.wait} beside the event loop; `undefined` if the runtime cannot do that. */
  readonly waitAsync: ((address: number, expected: number, ms: number) => Promise<number>) | undefined;
  /**
   * Sleeps while all of the words are what is expected, for at most `ms` milliseconds. It may also return for no reason.
   * `undefined` if the system cannot do that.
   */
  readonly waitForAny: ((addresses: readonly number[], expected: readonly number[], ms: number) => void) | undefined;
  /** The error number of the last call that failed. */
  errno(): number;
}

/** The identity of a file. */
export interface FileIdentity {
  /** Its number in the file system. No other file has this number as long as the file exists. */
  readonly file: string;
  /** Whether the file belongs to this user. */
  readonly own: boolean;
  /** How many names it has. */
  readonly names: number;
}

/** The error numbers that matter: there is no file with that name; there is a file with that name. */
export const ENOENT = 2;
export const EEXIST = 17;

/** How a process ended: its exit code, or the negative number of the signal that ended it. */
type ExitStatus = number;

/** The program to start. */
export interface ProgramOptions {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** The folder in which it starts. Default: the current folder of this process. */
  readonly cwd?: string;
  /**
   * Whether to start it in a session of its own, so that signals to the group and the hang-up of a terminal do not reach
   * it.
   */
  readonly apart?: boolean;
  /**
   * Its descriptors: the number in the program, and a path to open or a descriptor of this process. Descriptor 0 is
   * opened to read, all others to read and write.
   */
  readonly descriptors: readonly (readonly [number, string | number])[];
}

/** The processes of the operating system, as a thread calls them. */
export interface ProcessCalls {
  /**
   * How a child of this process ended. The runtime can still read that afterwards. `undefined`: it runs. `"unknown"`: it
   * is not a child of this process, or the runtime has already taken note of its end.
   */
  exitOf(pid: number): ExitStatus | "unknown" | undefined;
  /**
   * How a process ended that is not a child of this process. `undefined`: it runs. `"gone"`: there is no such process any more,
   * because its parent has taken note of its end.
   */
  exitOfOther(pid: number): ExitStatus | "gone" | undefined;
  /**
   * Makes this process ignore the signals that a terminal or a supervisor sends to a whole group of processes, and so
   * leave them to its starter: SIGINT, SIGHUP and, except for Bun on macOS, SIGTERM. This holds whatever code runs, until
   * the program adds a handler of its own.
   */
  leaveSignals(): void;
  /** Whether SIGTERM would do nothing to a process on Bun, because that process ignores it. */
  leavesTerminate(pid: number): boolean;
  /** The number of SIGURG, for which a process on Deno listens: see processes/signal.ts. */
  readonly urgent: number;
  /** Sends a signal. `false`: there is no such process, or it belongs to another user. */
  signal(pid: number, signal: number): boolean;
  /** Returns a descriptor for a process; negative: that failed. */
  openProcess(pid: number): number;
  /**
   * Blocks until a process has ended, something can be received, or `ms` milliseconds have passed. It may also return for
   * no reason.
   */
  waitForEnd(descriptor: number, ms: number, received?: number): void;
  close(descriptor: number): void;
  /** Creates the lifeline of this process. Returns a number, from which the other calls find it; negative: that failed. */
  openLifeline(): number;
  /** What another process passes to {@linkcode ProcessCalls.dieWith}. It has no spaces. */
  lifelineOf(opened: number): string;
  /**
   * Makes the system kill this process when the process with the lifeline is gone, whatever code this process runs.
   * `false`: that process is gone already.
   */
  dieWith(lifeline: string): boolean;
  /** Whether the process of {@linkcode ProcessCalls.dieWith} is gone, or is gone within `ms` milliseconds. */
  isOrphan(ms: number): boolean;
  /**
   * Makes the system kill another process when this process ends, for whatever reason. The other process need not do
   * anything for it. Returns a function that cancels this. `undefined`: the system cannot do that.
   */
  readonly killAfterThis: ((pid: number) => () => void) | undefined;
  /** Starts a program and returns its pid; 0: the system did not start it. `undefined`: the system cannot do that. */
  readonly start: ((options: ProgramOptions) => number) | undefined;
  /** Takes note of the end of a child that the runtime does not know of. */
  reap(pid: number): void;
  /** Returns a descriptor from which these bytes can be read; negative: there is no room. Only on a system with `start`. */
  openBytes(bytes: Uint8Array): number;
  /** Returns two descriptors: what is written to either can be read from the other. Only on a system with `start`. */
  openPair(): readonly [number, number] | undefined;
  /**
   * Reads into `bytes` without waiting. Returns the number of bytes; 0 at the end; a negative number if there is nothing
   * yet.
   */
  receive(descriptor: number, bytes: Uint8Array): number;
  /** Resolves when a process has ended, something can be received, or `ms` milliseconds have passed. Only on Deno. */
  readonly waitForEither: ((process: number, descriptor: number, ms: number) => Promise<number>) | undefined;
  /** The command line of this process, without the name of the program. */
  commandLine(): string[];
  /** Changes the current folder. */
  changeFolder(path: string): boolean;
  /** Whether there is a folder at that path. */
  isFolder(path: string): boolean;
  /** Whether there is anything at that path. */
  exists(path: string): boolean;
  /** The current folder. */
  folder(): string;
  /** The environment variables with which this process was started. Only on a system with `start`. */
  firstVariables(): Record<string, string>;
  /** The value of an environment variable. */
  variable(name: string): string | undefined;
  /** Removes an environment variable. */
  removeVariable(name: string): void;
}

export const SIGKILL = 9;
export const SIGTERM = 15;

// Functions that are the same on both systems.

type Call = (...args: Argument[]) => number;

const SEEK_SET = 0;
const FOLDER_BYTES = 4096;

/** Implements {@linkcode Libc.read}. */
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

/** The address that `mmap` has returned; 0 if it failed, which it reports by -1 or an address of all ones. */
export function mapped(address: number): number {
  return address > 0 && address < 2 ** 53 ? address : 0;
}

/** Implements {@linkcode ProcessCalls.folder}. */
export function currentFolder(c: { getcwd: Call }): string {
  const bytes = new Uint8Array(FOLDER_BYTES);
  if (c.getcwd(bytes, bytes.length) === 0) return "/";
  return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
}

/** Implements {@linkcode ProcessCalls.changeFolder}. */
export function changeFolder(c: { chdir: Call }, path: string): boolean {
  if (c.chdir(cString(path)) !== 0) return false;
  // Node remembers what `cwd()` has returned until it changes the folder itself.
  if (isNode) nodeProcess().chdir(".");
  return true;
}

/** The C string at an address. */
export function stringAt(native: Native, c: { strlen: Call }, address: number): string {
  const length = c.strlen(native.toAddress(address));
  return length === 0 ? "" : new TextDecoder().decode(new Uint8Array(native.view(address, length)).slice());
}

/** Implements {@linkcode ProcessCalls.removeVariable}. */
export function removeVariable(c: { unsetenv: Call }, name: string): void {
  // For each worker, Bun before 1.4 reads as many variables as there were at the start. If there are fewer now, the
  // process crashes.
  if (!isBunBefore(1, 4, 0)) c.unsetenv(cString(name));
  // On Bun this object is a copy, which must be changed as well.
  if (deno === undefined) delete nodeProcess().env[name];
}
