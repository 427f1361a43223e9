/**
 * What the library asks of the operating system: shared memory, sleeping in it, and who is alive. There is one file for each
 * system that can do it.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { loadNative, type Native, system } from "./ffi.ts";
import { darwin } from "./libc_darwin.ts";
import { linux } from "./libc_linux.ts";

/** The operating system, as one thread reaches it. Descriptors and addresses are those of the whole process. */
export interface Libc {
  readonly native: Native;
  /**
   * A file of no length for the memory of a tree of processes, which goes when the last that has it is gone; negative where
   * that fails. Only this user may open it.
   */
  createShared(): number;
  /** Where another process of this user can open what {@linkcode Libc.createShared} made, while this process lives. */
  pathOf(descriptor: number): string;
  /**
   * Says that this process lives, which it does with one number among those that have the file. The system takes that back
   * when the process is gone, however it ended, and before anybody can have its pid. `false`: the number is taken.
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
   * Opens a file to read and write: one that is there, a new one (`"new"`: fails where there is one), or either
   * (`"append"`: and writes go to its end). Only this user may open a new one. `"read"`: only to read it. Negative: see
   * {@linkcode Libc.errno}.
   */
  open(path: string, how?: "new" | "append" | "read"): number;
  /** Which process this is. */
  readonly pid: number;
  /** When a process was started, in units of the system's: tells it from a later one with the same number. 0: none lives. */
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
  /** Where named segments of memory are. */
  readonly segments: string;
  /** The size of an open file in bytes; negative where that has none. */
  sizeOf(descriptor: number): number;
  setSize(descriptor: number, bytes: number): boolean;
  /** Sees to it that a part of a file can be touched: there is memory for it. What is in it stays. */
  reserve(descriptor: number, offset: number, bytes: number): boolean;
  /** Maps a file so that all see what one writes. 0: there is no room. */
  map(descriptor: number, bytes: number): number;
  unmap(address: number, bytes: number): void;
  /**
   * Takes the lock on a file for this open descriptor until that is closed, by the system if need be; shared with others
   * that do, or not.
   */
  lockFile(descriptor: number, shared?: "shared"): boolean;
  /** Sleeps while the word is `expected`, for `ms` at most. May return for no reason. */
  wait(address: number, expected: number, ms: number): void;
  /** Wakes up to `count` of those who sleep on the word, in any process. Returns how many; macOS does not count thousands: 1. */
  wake(address: number, count: number): number;
  /** {@linkcode Libc.wait} beside the event loop; `undefined` where the runtime has no such thing. */
  readonly waitAsync: ((address: number, expected: number, ms: number) => Promise<number>) | undefined;
  /**
   * Sleeps while all of the words are what is expected; `undefined` where the system has no such thing. May return for no
   * reason.
   */
  readonly waitForAny: ((addresses: readonly number[], expected: readonly number[], ms: number) => void) | undefined;
  /** Why the last call failed. */
  errno(): number;
}

/** What a file is told by. */
export interface FileIdentity {
  /** Its number, which no other file has at the time. */
  readonly file: string;
  /** Of a file of this user. */
  readonly own: boolean;
  /** How many names it has. */
  readonly names: number;
}

/** Errors that are told apart: there is none of that name; there is one; the file system is full. */
export const ENOENT = 2;
export const EEXIST = 17;

let libc: Libc | undefined;

/** The operating system. `action` is for the message where it cannot be reached. */
export function loadLibc(action: string): Libc {
  return libc ??= open(action);
}

function open(action: string): Libc {
  const { os, arch } = system();
  if (os === "linux" && (arch === "x64" || arch === "arm64")) return linux(loadNative(action), arch);
  if (os === "darwin" && (arch === "x64" || arch === "arm64")) return darwin(loadNative(action), arch, action);
  throw new NotSupportedError(
    `Cannot ${action} as processes cannot share memory on this system: received ${os} on ${arch}, expected Linux or macOS on x64 or arm64 (all of @weft/concurrent/threading and @weft/concurrent/sync works here)`,
  );
}
