/**
 * {@linkcode Libc} on macOS, from its headers and manuals: **never run on a Mac**.
 *
 * Memory that processes share is a file in the folder that the system keeps for this user's caches, since nothing without a
 * name can be opened by another process: `shm_open` objects have names, too, and are not freed by the system either, but
 * cannot be listed, so that no process could remove what killed processes leave. It is a cache folder and no temporary one,
 * since the system empties a temporary folder of what was not opened for three days. Names in it:
 *
 * ```text
 *   weft.FILE           the memory of a tree of processes; FILE is its number in the file system
 *   weft.FILE.NUMBER    empty: the process with that number lives while it is locked
 *   weft.new.XXXXXX     a file before it has its name
 * ```
 *
 * Every process of a tree has a shared lock on its memory, so the process that gets it alone removes all of that tree: the last
 * process at its end, or the next program where all were killed.
 *
 * The locks are those of `flock`, which belong to an open file, and which nothing but its end and that of the process
 * takes back. Those of `fcntl` are lost as soon as the process closes any other descriptor of the same file.
 *
 * **No function with a variable number of arguments is called with such arguments**: on arm64 they are passed on the stack,
 * where a foreign function interface that does not know of it would not put them. That rules out `fcntl`, `shm_open`, and
 * `open` with `O_CREAT`; files are made by `mkostemp`, always with 0600, and get their names by `link`.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { pidOfThis } from "../runtime/runtime.ts";
import { EEXIST, ENOENT, type Libc, mapped, readFrom } from "./calls.ts";
import { cString, type Functions, type Native, type Signature } from "./ffi.ts";

/** The system's library, under the names that it has on disk and in the cache of the loader. */
export const DARWIN_LIBRARIES = ["/usr/lib/libSystem.B.dylib", "libSystem.B.dylib"];

const OS_SYNC_SHARED = 1;
const OS_CLOCK_MACH_ABSOLUTE_TIME = 32;
const WORD = 4;
/** A thread that wakes more than so many wakes all. */
const MANY = 4096;
const O_RDONLY = 0;
const O_RDWR = 2;
const O_APPEND = 8;
const O_NOFOLLOW = 0x100;
const O_CLOEXEC = 0x1000000;
const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const SEEK_END = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_ANON = 0x1000;
const CS_DARWIN_USER_CACHE_DIR = 65538;
/** What is asked of `proc_pidinfo`. */
export const PROC_PIDTBSDINFO = 3;
/** struct proc_bsdinfo, and where in it, in words, the time of the start is: seconds and microseconds of 64 bits. */
export const BSDINFO_BYTES = 136;
const START_AT = 30;
/** struct dirent: the length of the name, and the name. */
const NAME_LENGTH_AT = 18;
const NAME_AT = 21;
const EWOULDBLOCK = 35;
const PATH_BYTES = 1024;
/** Room that the disk must have besides what is asked for: what was promised before need not have been touched yet. */
const SPARE = 2 ** 26;
/** So often a file is made anew that another program has taken for what a killed process left. */
const TRIES = 100;

/** Functions with the structures of today, which on x86-64 have another name than those of the year 2005. */
function modern(arch: "x64" | "arm64", name: string): string {
  return arch === "x64" ? `${name}$INODE64` : name;
}

/** The C functions, by name. Checked by a test: none has a variable number of parameters. */
export function darwinSignatures(arch: "x64" | "arm64") {
  return {
    wait: {
      name: "os_sync_wait_on_address",
      parameters: ["address", "i64", "i64", "i32"],
      result: "i32",
    },
    waitFor: {
      name: "os_sync_wait_on_address_with_timeout",
      parameters: ["address", "i64", "i64", "i32", "i32", "i64"],
      result: "i32",
    },
    waitAside: {
      name: "os_sync_wait_on_address_with_timeout",
      parameters: ["address", "i64", "i64", "i32", "i32", "i64"],
      result: "i32",
      async: true,
    },
    wakeAny: { name: "os_sync_wake_by_address_any", parameters: ["address", "i64", "i32"], result: "i32" },
    wakeAll: { name: "os_sync_wake_by_address_all", parameters: ["address", "i64", "i32"], result: "i32" },
    mkostemp: { parameters: ["buffer", "i32"], result: "i32" },
    // Without the third parameter, which is read only where a file is made.
    open: { parameters: ["buffer", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    flock: { parameters: ["i32", "i32"], result: "i32" },
    lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
    ftruncate: { parameters: ["i32", "i64"], result: "i32" },
    fstatvfs: { parameters: ["i32", "buffer"], result: "i32" },
    fstat: { name: modern(arch, "fstat"), parameters: ["i32", "buffer"], result: "i32" },
    mmap: { parameters: ["address", "i64", "i32", "i32", "i32", "i64"], result: "address" },
    munmap: { parameters: ["address", "i64"], result: "i32" },
    read: { parameters: ["i32", "buffer", "i64"], result: "i64" },
    write: { parameters: ["i32", "buffer", "i64"], result: "i64" },
    geteuid: { parameters: [], result: "i32" },
    link: { parameters: ["buffer", "buffer"], result: "i32" },
    unlink: { parameters: ["buffer"], result: "i32" },
    opendir: { name: modern(arch, "opendir"), parameters: ["buffer"], result: "address" },
    readdir: { name: modern(arch, "readdir"), parameters: ["address"], result: "address" },
    closedir: { parameters: ["address"], result: "i32" },
    confstr: { parameters: ["i32", "buffer", "i64"], result: "i64" },
    proc_pidinfo: { parameters: ["i32", "i32", "i64", "buffer", "i32"], result: "i32" },
    __error: { parameters: [], result: "address" },
  } as const satisfies Record<string, Signature>;
}

/** The operating system. */
export function darwin(native: Native, arch: "x64" | "arm64", action: string): Libc {
  const c = openLibrary(native, darwinSignatures(arch), action);
  const { toAddress } = native;
  const folder = folderOfUser(c, action);
  /** Whether no other process is left in the tree. */
  let alone = false;
  let errnoWord: Int32Array | undefined;
  const errno = (): number => (errnoWord ??= new Int32Array(native.view(c.__error(), 4)))[0];
  // struct stat: device, mode and links of 16 bits each, number of 64 bits, user.
  const status = new Uint32Array(64);
  const regionPath = (descriptor: number): string => {
    c.fstat(descriptor, status);
    return `${folder}weft.${status[3]}-${status[2]}`;
  };
  // The lock comes before the name, by which others find it.
  const create = (name: (descriptor: number) => string, lock: number): number => {
    for (let tries = 0; tries < TRIES; tries++) {
      const template = cString(`${folder}weft.new.XXXXXX`);
      const descriptor = c.mkostemp(template, O_CLOEXEC);
      if (descriptor < 0) return descriptor;
      const linked = (lock === 0 || c.flock(descriptor, lock | LOCK_NB) === 0) &&
        c.link(template, cString(name(descriptor))) === 0;
      const reason = linked ? 0 : errno();
      c.unlink(template);
      if (linked) return descriptor;
      c.close(descriptor);
      // Between the two steps another program may have taken it for a file that was left.
      if (reason !== ENOENT && reason !== EWOULDBLOCK) {
        errnoWord![0] = reason;
        return -1;
      }
    }
    return -1;
  };
  // Opens a file of this user that is not locked, and locks it.
  const take = (path: string): number => {
    const descriptor = self.open(path, "read");
    if (descriptor < 0) return descriptor;
    if (self.identify(descriptor).own && c.flock(descriptor, LOCK_EX | LOCK_NB) === 0) return descriptor;
    c.close(descriptor);
    return -1;
  };
  // The memory last: what is interrupted is done again.
  const removeTree = (region: string, names: readonly string[]): void => {
    for (const name of names) {
      if (`${folder}${name}`.startsWith(`${region}.`)) self.unlink(folder + name);
    }
    self.unlink(region);
  };
  const waitAside = c.waitAside as typeof c.waitAside | undefined;
  // The value is as wide as the word: what is above its 32 bits must be zero.
  const nanoseconds = (ms: number): number => Math.max(1, Math.ceil(Math.min(ms, 2 ** 31) * 1e6));
  const self: Libc = {
    native,
    pid: pidOfThis(),
    startOf: (pid) => {
      const info = new Uint32Array(BSDINFO_BYTES / 4);
      if (c.proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, info, BSDINFO_BYTES) < BSDINFO_BYTES) return 0;
      return (info[START_AT] + info[START_AT + 1] * 2 ** 32) * 1e6 + info[START_AT + 2];
    },
    createShared: () => {
      alone = false;
      return create(regionPath, LOCK_SH);
    },
    pathOf: regionPath,
    holdNumber: (descriptor, number) => {
      c.flock(descriptor, LOCK_SH | LOCK_NB);
      // Its descriptor stays open as long as the process lives.
      if (create(() => `${regionPath(descriptor)}.${number}`, LOCK_EX) >= 0) return true;
      if (errno() === EEXIST) return false;
      throw new RangeError(
        `Cannot share memory between processes as no file can be made in ${folder} (error ${errno()})`,
      );
    },
    isNumberHeld: (descriptor, number) => {
      if (alone) return false;
      const held = self.open(`${regionPath(descriptor)}.${number}`, "read");
      // Another process has removed it, or this process has too many files open: better to wait in vain than to take what is
      // another's.
      if (held < 0) return true;
      const locked = c.flock(held, LOCK_SH | LOCK_NB) !== 0;
      c.close(held);
      return locked;
    },
    leave: (descriptor) => {
      if (alone) return;
      if (c.flock(descriptor, LOCK_EX | LOCK_NB) !== 0) {
        // The attempt may have given up the shared lock.
        c.flock(descriptor, LOCK_SH | LOCK_NB);
        return;
      }
      alone = true;
      removeTree(regionPath(descriptor), self.list(folder));
    },
    sweep: () => {
      const names = self.list(folder).filter((name) => name.startsWith("weft."));
      const isRegion = (name: string): boolean => /^weft\.\d+-\d+$/.test(name);
      for (const name of names) {
        const region = isRegion(name) ? name : name.slice(0, name.lastIndexOf("."));
        if (region !== name && names.includes(region)) continue;
        const descriptor = take(folder + name);
        if (descriptor < 0) continue;
        if (region === name) removeTree(folder + name, names);
        else self.unlink(folder + name);
        c.close(descriptor);
      }
    },
    mapOwn: (bytes) => mapped(c.mmap(toAddress(0), bytes, PROT_READ_WRITE, MAP_SHARED | MAP_ANON, -1, 0)),
    open: (path, how) => {
      const flags = O_CLOEXEC | (how === "read" ? O_RDONLY : O_RDWR) | (how === "append" ? O_APPEND | O_NOFOLLOW : 0);
      const bytes = cString(path);
      if (how === "new") return create(() => path, 0);
      const descriptor = c.open(bytes, flags);
      if (how !== "append" || descriptor >= 0 || errno() !== ENOENT) return descriptor;
      const made = create(() => path, 0);
      if (made >= 0) c.close(made);
      // Another process may have been first.
      return c.open(bytes, flags);
    },
    read: (descriptor, most) => readFrom(c, descriptor, most),
    write: (descriptor, bytes) => c.write(descriptor, bytes, bytes.length) === bytes.length,
    identify: (descriptor) => {
      c.fstat(descriptor, status);
      return {
        file: `${status[3]}.${status[2]}`,
        own: status[4] === c.geteuid() >>> 0,
        names: status[1] >>> 16,
      };
    },
    link: (path, second) => c.link(cString(path), cString(second)) === 0,
    unlink: (path) => c.unlink(cString(path)) === 0,
    list: (path) => {
      const directory = c.opendir(cString(path));
      const names: string[] = [];
      if (directory === 0) return names;
      for (;;) {
        const entry = c.readdir(toAddress(directory));
        if (entry === 0) break;
        const length = new Uint16Array(native.view(entry, NAME_AT + 1).slice(NAME_LENGTH_AT, NAME_LENGTH_AT + 2))[0];
        names.push(new TextDecoder().decode(new Uint8Array(native.view(entry, NAME_AT + length)).slice(NAME_AT)));
      }
      c.closedir(toAddress(directory));
      return names;
    },
    // Files like the others: objects of shm_open() have no second name and no list.
    memoryFolder: folder,
    close: (descriptor) => void c.close(descriptor),
    sizeOf: (descriptor) => c.lseek(descriptor, 0, SEEK_END),
    setSize: (descriptor, bytes) => c.ftruncate(descriptor, bytes) === 0,
    // Only whether the disk has room now. To take it would need fcntl() with F_PREALLOCATE, or to write zeros, which could
    // meet what another process has just written.
    reserve: (descriptor, _offset, bytes) => {
      // struct statvfs: sizes of 64 bits of a block and of a unit, then numbers of 32 bits: all, free, free for users.
      const space = new Uint32Array(32);
      return c.fstatvfs(descriptor, space) === 0 && space[2] * space[6] >= bytes + SPARE;
    },
    map: (descriptor, bytes) => mapped(c.mmap(toAddress(0), bytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0)),
    unmap: (address, bytes) => void c.munmap(toAddress(address), bytes),
    lockFile: (descriptor, shared) => c.flock(descriptor, (shared === undefined ? LOCK_EX : LOCK_SH) | LOCK_NB) === 0,
    wait: (address, expected, ms) => {
      if (ms <= 0) return;
      const at = toAddress(address);
      if (ms === Infinity) c.wait(at, expected >>> 0, WORD, OS_SYNC_SHARED);
      else {
        c.waitFor(at, expected >>> 0, WORD, OS_SYNC_SHARED, OS_CLOCK_MACH_ABSOLUTE_TIME, nanoseconds(ms));
      }
    },
    wake: (address, count) => {
      const at = toAddress(address);
      // It does not tell how many.
      if (count > MANY) return c.wakeAll(at, WORD, OS_SYNC_SHARED) === 0 ? 1 : 0;
      let woken = 0;
      while (woken < count && c.wakeAny(at, WORD, OS_SYNC_SHARED) === 0) woken++;
      return woken;
    },
    waitAsync: waitAside === undefined ? undefined : (address, expected, ms) =>
      waitAside(
        toAddress(address),
        expected >>> 0,
        WORD,
        OS_SYNC_SHARED,
        OS_CLOCK_MACH_ABSOLUTE_TIME,
        nanoseconds(ms),
      ),
    // A thread can sleep on one word only.
    waitForAny: undefined,
    errno,
  };
  return self;
}

/** Opens functions of the system's library. */
function openLibrary<S extends Record<string, Signature>>(native: Native, signatures: S, action: string): Functions<S> {
  try {
    return native.open(DARWIN_LIBRARIES, signatures);
  } catch (cause) {
    throw new NotSupportedError(
      `Cannot ${action} as processes can share memory on macOS 14.4 or later, and this one has not all that is needed for it (all of @weft/concurrent/threading and @weft/concurrent/sync works here)`,
      { cause },
    );
  }
}

function folderOfUser(
  c: { confstr(name: number, buffer: Uint8Array, bytes: number): number },
  action: string,
): string {
  const bytes = new Uint8Array(PATH_BYTES);
  const length = c.confstr(CS_DARWIN_USER_CACHE_DIR, bytes, bytes.length);
  if (length <= 1 || length > bytes.length) {
    throw new NotSupportedError(
      `Cannot ${action} as the system has no folder for files of this user alone (all of @weft/concurrent/threading and @weft/concurrent/sync works here)`,
    );
  }
  const path = new TextDecoder().decode(bytes.subarray(0, length - 1));
  return path.endsWith("/") ? path : `${path}/`;
}
