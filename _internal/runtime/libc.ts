/**
 * What the library asks of the operating system: shared memory, sleeping in it, and who is alive.
 *
 * @module
 */

import { NotSupportedError } from "../../sync/errors.ts";
import { nodeProcess } from "./globals.ts";
import { loadNative, type Native, system } from "./ffi.ts";

/** The operating system, as one thread reaches it. Descriptors and addresses are those of the whole process. */
export interface Libc {
  readonly native: Native;
  /** A file of no length and no name that this process alone has; negative where that fails. */
  createAnonymous(): number;
  /** Where another process of this user can open a descriptor of this one. */
  pathOf(descriptor: number): string;
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
  /** All of a file from its beginning, up to so many bytes; `undefined` where it can not be read. */
  read(descriptor: number, most: number): Uint8Array | undefined;
  /** Writes bytes where the file is at. */
  write(descriptor: number, bytes: Uint8Array): boolean;
  /** Which file it is, and whose. */
  identify(descriptor: number): FileIdentity;
  /** Gives a file a second name, unless that is taken. */
  link(path: string, second: string): boolean;
  /** Takes a name away. */
  unlink(path: string): boolean;
  /** The names in a folder; none where it can not be read. */
  list(folder: string): string[];
  /** Where named segments of memory are. */
  readonly segments: string;
  /** The size of an open file in bytes; negative where that has none. */
  sizeOf(descriptor: number): number;
  setSize(descriptor: number, bytes: number): boolean;
  /** Takes the memory for a part of a file, so that touching it can not fail. */
  reserve(descriptor: number, offset: number, bytes: number): boolean;
  /** Maps a file so that all see what one writes. 0: there is no room. */
  map(descriptor: number, bytes: number): number;
  unmap(address: number, bytes: number): void;
  /**
   * Takes the lock on one byte of a file for this open descriptor until that is closed, by the system if need be; shared
   * with others that do, or not.
   */
  lockByte(descriptor: number, byte: number, shared?: "shared"): boolean;
  /** Whether another open descriptor has the lock on that byte. */
  isByteLocked(descriptor: number, byte: number): boolean;
  /** Sleeps while the word is `expected`, for `ms` at most. May return for no reason. */
  wait(address: number, expected: number, ms: number): void;
  /** Wakes up to `count` of those who sleep on the word, in any process. Returns how many. */
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

/** The operating system. `action` is for the message where it can not be reached. */
export function loadLibc(action: string): Libc {
  return libc ??= open(action);
}

function open(action: string): Libc {
  const { os, arch } = system();
  if (os === "linux" && (arch === "x64" || arch === "arm64")) return linux(loadNative(action), arch);
  throw new NotSupportedError(
    `Cannot ${action} as processes can not share memory on this system yet: received ${os} on ${arch} (threads and all of @weft/concurrent/sync work here)`,
  );
}

// fstat by number, since older C libraries have it under another name; and what it tells is the kernel's own structure.
const SYSCALLS = {
  x64: { futex: 202, fstat: 5, links: 16, owner: 28 },
  arm64: { futex: 98, fstat: 80, links: 20, owner: 24 },
};
const LIBRARIES = {
  x64: ["libc.so.6", "libc.musl-x86_64.so.1"],
  arm64: ["libc.so.6", "libc.musl-aarch64.so.1"],
};

/** The same number everywhere. Linux 5.16. */
const FUTEX_WAITV = 449;
/** Words of one entry: value and address of 64 bits, flags, nothing. */
const WAITV_WORDS = 6;
const FUTEX2_SIZE_U32 = 2;
const CLOCK_REALTIME = 0;
const ENOSYS = 38;
const FUTEX_WAIT = 0;
const FUTEX_WAKE = 1;
const MFD_CLOEXEC = 1;
const O_RDWR = 2;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_APPEND = 0o2000;
const O_NOFOLLOW = { x64: 0o400000, arm64: 0o100000 };
const O_CLOEXEC = 0o2000000;
/** Where the name is in an entry of a folder. */
const NAME_AT = 19;
const SEEK_SET = 0;
const SEEK_END = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

/** A string as C has it. */
export function cString(text: string): Uint8Array {
  return new TextEncoder().encode(text + "\0");
}

function linux(native: Native, arch: "x64" | "arm64"): Libc {
  // Not private: other processes wait, too. A word of four bytes stands for the pointers that are not used.
  const futex = ["i32", "address", "i32", "i32", "buffer", "i32", "i32"] as const;
  const c = native.open(LIBRARIES[arch], {
    futex: { name: "syscall", parameters: futex, result: "i32" },
    futexAsync: { name: "syscall", parameters: futex, result: "i32", async: true },
    futexWaitAny: { name: "syscall", parameters: ["i32", "buffer", "i32", "i32", "buffer", "i32"], result: "i32" },
    memfd_create: { parameters: ["buffer", "i32"], result: "i32" },
    fchmod: { parameters: ["i32", "i32"], result: "i32" },
    open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
    ftruncate: { parameters: ["i32", "i64"], result: "i32" },
    fallocate: { parameters: ["i32", "i32", "i64", "i64"], result: "i32" },
    mmap: { parameters: ["address", "i64", "i32", "i32", "i32", "i64"], result: "address" },
    munmap: { parameters: ["address", "i64"], result: "i32" },
    read: { parameters: ["i32", "buffer", "i64"], result: "i64" },
    write: { parameters: ["i32", "buffer", "i64"], result: "i64" },
    fstat: { name: "syscall", parameters: ["i32", "i32", "buffer"], result: "i32" },
    geteuid: { parameters: [], result: "i32" },
    link: { parameters: ["buffer", "buffer"], result: "i32" },
    unlink: { parameters: ["buffer"], result: "i32" },
    opendir: { parameters: ["buffer"], result: "address" },
    readdir: { parameters: ["address"], result: "address" },
    closedir: { parameters: ["address"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
    __errno_location: { parameters: [], result: "address" },
  });
  const { futex: number, fstat, links, owner } = SYSCALLS[arch];
  const { toAddress } = native;
  // Of this thread, which calls nothing else meanwhile.
  const time = new Float64Array(2);
  const timeWords = new Uint32Array(time.buffer);
  const setTime = (words: Uint32Array, ms: number): void => {
    const bounded = Math.min(ms, 2 ** 40);
    const seconds = Math.floor(bounded / 1000);
    words[0] = seconds;
    words[1] = 0;
    // Never 0 for what is more than that: it would spin.
    words[2] = Math.min(999_999_999, Math.ceil((bounded - seconds * 1000) * 1e6));
    words[3] = 0;
  };
  // struct flock: type and whence of 16 bits, then start, length and pid (0) at 8, 16 and 24.
  const lock = new Uint16Array(16);
  const lockWords = new Uint32Array(lock.buffer);
  const setLock = (byte: number, type = F_WRLCK): void => {
    lockWords.fill(0);
    lock[0] = type;
    lockWords[2] = byte;
    lockWords[4] = 1;
  };
  let errnoWord: Int32Array | undefined;
  const errno = (): number => (errnoWord ??= new Int32Array(native.view(c.__errno_location(), 4)))[0];
  const waitForAny = (addresses: readonly number[], expected: readonly number[], ms: number): boolean => {
    const entries = new Uint32Array(addresses.length * WAITV_WORDS);
    for (let i = 0; i < addresses.length; i++) {
      entries[i * WAITV_WORDS] = expected[i];
      entries[i * WAITV_WORDS + 2] = addresses[i] % 2 ** 32;
      entries[i * WAITV_WORDS + 3] = Math.floor(addresses[i] / 2 ** 32);
      entries[i * WAITV_WORDS + 4] = FUTEX2_SIZE_U32;
    }
    // When, not how long.
    const until = Date.now() + ms;
    const words = new Uint32Array([until / 1000, 0, (until % 1000) * 1e6, 0]);
    return c.futexWaitAny(FUTEX_WAITV, entries, addresses.length, 0, words, CLOCK_REALTIME) >= 0 || errno() !== ENOSYS;
  };
  const hasWaitForAny = waitForAny([], [], 0);
  const futexAsync = c.futexAsync as typeof c.futexAsync | undefined;
  const self: Libc = {
    native,
    pid: pid(),
    startOf: (pid) => {
      const descriptor = self.open(`/proc/${pid}/stat`, "read");
      if (descriptor < 0) return 0;
      const text = new TextDecoder().decode(self.read(descriptor, 4096));
      self.close(descriptor);
      // The name, which is in parentheses, can have any characters; the state follows, then numbers.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" || fields[0] === "X" ? 0 : Number(fields[19]);
    },
    createAnonymous: () => {
      const descriptor = c.memfd_create(cString("weft"), MFD_CLOEXEC);
      if (descriptor >= 0) c.fchmod(descriptor, 0o600);
      return descriptor;
    },
    pathOf: (descriptor) => `/proc/${pid()}/fd/${descriptor}`,
    open: (path, how) => {
      const flags = how === "new" ? O_CREAT | O_EXCL : how === "append" ? O_CREAT | O_APPEND | O_NOFOLLOW[arch] : 0;
      return c.open(cString(path), (how === "read" ? 0 : O_RDWR) | O_CLOEXEC | flags, 0o600);
    },
    read: (descriptor, most) => {
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
    },
    write: (descriptor, bytes) => c.write(descriptor, bytes, bytes.length) === bytes.length,
    identify: (descriptor) => {
      const status = new Uint32Array(64);
      c.fstat(fstat, descriptor, status);
      return {
        file: `${status[3]}.${status[2]}`,
        own: status[owner >> 2] === c.geteuid() >>> 0,
        names: status[links >> 2],
      };
    },
    link: (path, second) => c.link(cString(path), cString(second)) === 0,
    unlink: (path) => c.unlink(cString(path)) === 0,
    list: (folder) => {
      const directory = c.opendir(cString(folder));
      const names: string[] = [];
      if (directory === 0) return names;
      for (;;) {
        const entry = c.readdir(toAddress(directory));
        if (entry === 0) break;
        // Its length stands before the name.
        const head = new Uint16Array(native.view(entry, NAME_AT + 1).slice(16, 18))[0];
        const name = new Uint8Array(native.view(entry, head)).slice(NAME_AT);
        names.push(new TextDecoder().decode(name.subarray(0, name.indexOf(0))));
      }
      c.closedir(toAddress(directory));
      return names;
    },
    segments: "/dev/shm/",
    close: (descriptor) => void c.close(descriptor),
    sizeOf: (descriptor) => c.lseek(descriptor, 0, SEEK_END),
    setSize: (descriptor, bytes) => c.ftruncate(descriptor, bytes) === 0,
    reserve: (descriptor, offset, bytes) => c.fallocate(descriptor, 0, offset, bytes) === 0,
    map: (descriptor, bytes) => {
      const address = c.mmap(toAddress(0), bytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0);
      // MAP_FAILED is all ones, or -1.
      return address > 0 && address < 2 ** 53 ? address : 0;
    },
    unmap: (address, bytes) => void c.munmap(toAddress(address), bytes),
    lockByte: (descriptor, byte, shared) => {
      setLock(byte, shared === undefined ? F_WRLCK : F_RDLCK);
      return c.fcntl(descriptor, F_OFD_SETLK, lock) === 0;
    },
    isByteLocked: (descriptor, byte) => {
      setLock(byte);
      return c.fcntl(descriptor, F_OFD_GETLK, lock) === 0 && lock[0] !== F_UNLCK;
    },
    wait: (address, expected, ms) => {
      if (ms <= 0) return;
      if (ms !== Infinity) setTime(timeWords, ms);
      c.futex(number, toAddress(address), FUTEX_WAIT, expected, ms === Infinity ? null : time, 0, 0);
    },
    wake: (address, count) => c.futex(number, toAddress(address), FUTEX_WAKE, count, null, 0, 0),
    waitAsync: futexAsync === undefined ? undefined : (address, expected, ms) => {
      const words = new Uint32Array(4);
      setTime(words, ms);
      return futexAsync(number, toAddress(address), FUTEX_WAIT, expected, words, 0, 0);
    },
    waitForAny: hasWaitForAny ? waitForAny : undefined,
    errno,
  };
  return self;
}

function pid(): number {
  // Not both at once: to look at `process` costs Deno ten milliseconds.
  const { Deno } = globalThis as unknown as { Deno?: { pid: number } };
  return (Deno ?? nodeProcess() as unknown as { pid: number }).pid;
}
