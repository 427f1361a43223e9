/**
 * Implements {@linkcode Libc} on macOS. It was written from the headers and manuals, and has **never been run on a Mac**.
 *
 * Shared memory is a file in the system's cache folder for this user. It needs a name, because another process cannot
 * open a file without a name. Objects of `shm_open` would have names too, and the system does not free them either. But
 * they cannot be listed, so no process could remove what killed processes have left. The file is in a cache folder and
 * not in a temporary folder, because the system deletes temporary files that were not opened for three days. The names in
 * the folder are:
 *
 * ```text
 *   weft.FILE           the memory of a tree of processes; FILE is its number in the file system
 *   weft.FILE.NUMBER    an empty file: while it is locked, the process with that number is alive
 *   weft.new.XXXXXX     a file that has not got its name yet
 * ```
 *
 * Every process of a tree has a shared lock on the file of the memory. A process that gets an exclusive lock knows that
 * no other process of that tree is alive, and removes the files of the tree. That is the last process of the tree, or the
 * next program if all processes were killed.
 *
 * The locks are those of `flock`. Such a lock belongs to an open file, and ends only when that file is closed or its
 * process ends. A lock of `fcntl` is lost when the process closes any other descriptor of the same file.
 *
 * **No function is called with variable arguments.** On arm64 these are passed on the stack, and a foreign function interface
 * that does not know this puts them elsewhere. That rules out `fcntl`, `shm_open`, and `open` with `O_CREAT`. So files are made
 * with `mkostemp`, which gives them the mode 0600, and get their names with `link`.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { pidOfThis } from "../runtime/runtime.ts";
import { EEXIST, ENOENT, type Libc, mapped, readFrom } from "./calls.ts";
import { cString, type Functions, type Native, type Signature } from "./ffi.ts";

/** The names of the system's library, on disk and in the cache of the loader. */
export const DARWIN_LIBRARIES = ["/usr/lib/libSystem.B.dylib", "libSystem.B.dylib"];

const OS_SYNC_SHARED = 1;
const OS_CLOCK_MACH_ABSOLUTE_TIME = 32;
const WORD = 4;
/** If a thread wakes more sleepers than this, it wakes all of them with one call. */
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
/** Makes `proc_pidinfo` return a `struct proc_bsdinfo`. */
export const PROC_PIDTBSDINFO = 3;
/** The size of a `struct proc_bsdinfo`. */
export const BSDINFO_BYTES = 136;
/** The offset in it, in words, of the time of the start: seconds and microseconds of 64 bits each. */
const START_AT = 30;
/** The offsets in a `struct dirent`, in bytes, of the length of the name and of the name. */
const NAME_LENGTH_AT = 18;
const NAME_AT = 21;
const EWOULDBLOCK = 35;
const PATH_BYTES = 1024;
/**
 * How many bytes the disk must have besides those that are asked for: earlier reservations may not have been written to
 * yet.
 */
const SPARE = 2 ** 26;
/** How often a file is made again if another program has removed it, because it took it for the file of a killed process. */
const TRIES = 100;

/**
 * The name of a function with today's structures. On x86-64, the plain name is that of a function with the structures of
 * 2005.
 */
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
    // Without the third parameter, which the function reads only if it creates a file.
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
    sched_yield: { parameters: [], result: "i32" },
    __error: { parameters: [], result: "address" },
  } as const satisfies Record<string, Signature>;
}

/** Opens the C library and returns the calls. */
export function darwin(native: Native, arch: "x64" | "arm64", action: string): Libc {
  const c = openLibrary(native, darwinSignatures(arch), action);
  const { toAddress } = native;
  const folder = folderOfUser(c, action);
  /** Whether this process is the last of its tree. */
  let alone = false;
  let errnoWord: Int32Array | undefined;
  const errno = (): number => (errnoWord ??= new Int32Array(native.view(c.__error(), 4)))[0];
  // struct stat: the device, mode and number of links (16 bits each), the number of the file (64 bits), the user.
  const status = new Uint32Array(64);
  const regionPath = (descriptor: number): string => {
    c.fstat(descriptor, status);
    return `${folder}weft.${status[3]}-${status[2]}`;
  };
  // Makes a file, locks it, and only then gives it its name, by which other processes find it.
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
      // Before it was locked, another program may have taken it for the file of a killed process. Then make another file.
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
  // Removes the file of the memory last: if this is interrupted, another program finds that file and does the rest.
  const removeTree = (region: string, names: readonly string[]): void => {
    for (const name of names) {
      if (`${folder}${name}`.startsWith(`${region}.`)) self.unlink(folder + name);
    }
    self.unlink(region);
  };
  const waitAside = c.waitAside as typeof c.waitAside | undefined;
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
      // The descriptor of the locked file stays open as long as this process is alive.
      if (create(() => `${regionPath(descriptor)}.${number}`, LOCK_EX) >= 0) return true;
      if (errno() === EEXIST) return false;
      throw new RangeError(
        `Cannot share memory between processes as no file can be made in ${folder} (error ${errno()})`,
      );
    },
    isNumberHeld: (descriptor, number) => {
      if (alone) return false;
      const held = self.open(`${regionPath(descriptor)}.${number}`, "read");
      // Another process has removed the file, or this process has too many open files. Take the number for held: a thread
      // that waits in vain does less harm than a thread that takes over the lock of a living process.
      if (held < 0) return true;
      const locked = c.flock(held, LOCK_SH | LOCK_NB) !== 0;
      c.close(held);
      return locked;
    },
    leave: (descriptor) => {
      if (alone) return;
      if (c.flock(descriptor, LOCK_EX | LOCK_NB) !== 0) {
        // The failed attempt may have released the shared lock, so take it again.
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
      // Another process may have created the file first, so open whichever file has the name.
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
    // Memory files are files as well: objects of shm_open() cannot have a second name, and cannot be listed.
    memoryFolder: folder,
    close: (descriptor) => void c.close(descriptor),
    sizeOf: (descriptor) => c.lseek(descriptor, 0, SEEK_END),
    setSize: (descriptor, bytes) => c.ftruncate(descriptor, bytes) === 0,
    // Only checks that the disk has room now. To reserve it would need fcntl() with F_PREALLOCATE, which has variable
    // arguments, or writing zeros, which could overwrite what another process has just written.
    reserve: (descriptor, _offset, bytes) => {
      // struct statvfs: the sizes of a block and of a unit (64 bits each), then numbers of units (32 bits each): all,
      // free, and free for users.
      const space = new Uint32Array(32);
      return c.fstatvfs(descriptor, space) === 0 && space[2] * space[6] >= bytes + SPARE;
    },
    map: (descriptor, bytes) => mapped(c.mmap(toAddress(0), bytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0)),
    unmap: (address, bytes) => void c.munmap(toAddress(address), bytes),
    lockFile: (descriptor, shared) => c.flock(descriptor, (shared === undefined ? LOCK_EX : LOCK_SH) | LOCK_NB) === 0,
    // `expected >>> 0`: the parameter has 64 bits, of which the upper 32 must be zero for a word of 32 bits.
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
      // This call does not return how many threads it has woken.
      if (count > MANY) return c.wakeAll(at, WORD, OS_SYNC_SHARED) === 0 ? 1 : 0;
      let woken = 0;
      while (woken < count && c.wakeAny(at, WORD, OS_SYNC_SHARED) === 0) woken++;
      return woken;
    },
    yield: () => void c.sched_yield(),
    waitAsync: waitAside === undefined ? undefined : (address, expected, ms) =>
      waitAside(
        toAddress(address),
        expected >>> 0,
        WORD,
        OS_SYNC_SHARED,
        OS_CLOCK_MACH_ABSOLUTE_TIME,
        nanoseconds(ms),
      ),
    // A thread can sleep on only one word.
    waitForAny: undefined,
    errno,
  };
  return self;
}

/** Opens the system's library. */
function openLibrary<S extends Record<string, Signature>>(native: Native, signatures: S, action: string): Functions<S> {
  try {
    return native.open(DARWIN_LIBRARIES, signatures);
  } catch (cause) {
    throw new NotSupportedError(
      `Cannot ${action} as processes can share memory only on macOS 14.4 or later, and this system lacks functions that are needed (all of @weft/concurrent/threading and @weft/concurrent/sync works here)`,
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
