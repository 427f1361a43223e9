/**
 * Implements {@linkcode Libc} on Linux, with glibc or musl. Shared memory is a memfd, sleeping uses futexes, and a living
 * process holds a lock on a byte of the file of the memory.
 *
 * @module
 */

import { pidOfThis } from "../runtime/runtime.ts";
import { type Libc, mapped, readFrom } from "./calls.ts";
import { cString, type Native } from "./ffi.ts";

// fstat is called by its system call number, because older C libraries have the function under another name. So the
// result has the kernel's structure: `links` and `owner` are offsets in it, in bytes.
const SYSCALLS = {
  x64: { futex: 202, fstat: 5, links: 16, owner: 28 },
  arm64: { futex: 98, fstat: 80, links: 20, owner: 24 },
};
/**
 * glibc, then the name of musl on Alpine. In a program that is linked with musl the first name suffices: musl takes every name
 * that begins with `libc.` for its own.
 */
const LIBRARIES = {
  x64: ["libc.so.6", "libc.musl-x86_64.so.1"],
  arm64: ["libc.so.6", "libc.musl-aarch64.so.1"],
};

/** A system call of Linux 5.16, with the same number on all processors. */
const FUTEX_WAITV = 449;
/** How many words a `struct futex_waitv` has: a value and an address of 64 bits each, flags, and an unused word. */
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
/** The offset of the name in an entry of a folder, in bytes. */
const NAME_AT = 19;
const SEEK_END = 2;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;

/** Opens the C library and returns the calls. */
export function linux(native: Native, arch: "x64" | "arm64"): Libc {
  // The futexes are not private, because other processes sleep on them too. Unused pointers are passed as i32.
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
    sched_yield: { parameters: [], result: "i32" },
    __errno_location: { parameters: [], result: "address" },
  });
  const { futex: number, fstat, links, owner } = SYSCALLS[arch];
  const { toAddress } = native;
  // One buffer for all calls: this thread makes no other call while it is in use.
  const time = new Float64Array(2);
  const timeWords = new Uint32Array(time.buffer);
  const setTime = (words: Uint32Array, ms: number): void => {
    const bounded = Math.min(ms, 2 ** 40);
    const seconds = Math.floor(bounded / 1000);
    words[0] = seconds;
    words[1] = 0;
    // Rounded up: with 0, a caller that has a little time left would spin.
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
    // This call takes the time at which the sleep ends, not its length.
    const until = Date.now() + ms;
    const words = new Uint32Array([until / 1000, 0, (until % 1000) * 1e6, 0]);
    return c.futexWaitAny(FUTEX_WAITV, entries, addresses.length, 0, words, CLOCK_REALTIME) >= 0 || errno() !== ENOSYS;
  };
  const hasWaitForAny = waitForAny([], [], 0);
  const futexAsync = c.futexAsync as typeof c.futexAsync | undefined;
  const self: Libc = {
    native,
    pid: pidOfThis(),
    startOf: (pid) => {
      const descriptor = self.open(`/proc/${pid}/stat`, "read");
      if (descriptor < 0) return 0;
      const text = new TextDecoder().decode(self.read(descriptor, 4096));
      self.close(descriptor);
      // The name of the program is in parentheses and can have any characters. Behind it are the state and numbers.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" || fields[0] === "X" ? 0 : Number(fields[19]);
    },
    createShared: () => {
      const descriptor = c.memfd_create(cString("weft"), MFD_CLOEXEC);
      if (descriptor >= 0) c.fchmod(descriptor, 0o600);
      return descriptor;
    },
    pathOf: (descriptor) => `/proc/${pidOfThis()}/fd/${descriptor}`,
    open: (path, how) => {
      const flags = how === "new" ? O_CREAT | O_EXCL : how === "append" ? O_CREAT | O_APPEND | O_NOFOLLOW[arch] : 0;
      return c.open(cString(path), (how === "read" ? 0 : O_RDWR) | O_CLOEXEC | flags, 0o600);
    },
    read: (descriptor, most) => readFrom(c, descriptor, most),
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
        // The length of the entry is in front of the name.
        const head = new Uint16Array(native.view(entry, NAME_AT + 1).slice(16, 18))[0];
        const name = new Uint8Array(native.view(entry, head)).slice(NAME_AT);
        names.push(new TextDecoder().decode(name.subarray(0, name.indexOf(0))));
      }
      c.closedir(toAddress(directory));
      return names;
    },
    memoryFolder: "/dev/shm/",
    close: (descriptor) => void c.close(descriptor),
    sizeOf: (descriptor) => c.lseek(descriptor, 0, SEEK_END),
    setSize: (descriptor, bytes) => c.ftruncate(descriptor, bytes) === 0,
    reserve: (descriptor, offset, bytes) => c.fallocate(descriptor, 0, offset, bytes) === 0,
    map: (descriptor, bytes) => mapped(c.mmap(toAddress(0), bytes, PROT_READ_WRITE, MAP_SHARED, descriptor, 0)),
    unmap: (address, bytes) => void c.munmap(toAddress(address), bytes),
    lockFile: (descriptor, shared) => {
      setLock(0, shared === undefined ? F_WRLCK : F_RDLCK);
      return c.fcntl(descriptor, F_OFD_SETLK, lock) === 0;
    },
    holdNumber: (descriptor, number) => {
      setLock(number);
      return c.fcntl(descriptor, F_OFD_SETLK, lock) === 0;
    },
    isNumberHeld: (descriptor, number) => {
      setLock(number);
      return c.fcntl(descriptor, F_OFD_GETLK, lock) === 0 && lock[0] !== F_UNLCK;
    },
    // There is nothing to do: the file has no name, so the kernel frees it when the last process that has it is gone.
    leave: () => {},
    sweep: () => {},
    mapOwn: (bytes) => {
      const descriptor = self.createShared();
      if (descriptor < 0) return 0;
      const address = self.setSize(descriptor, bytes) ? self.map(descriptor, bytes) : 0;
      self.close(descriptor);
      return address;
    },
    wait: (address, expected, ms) => {
      if (ms <= 0) return;
      if (ms !== Infinity) setTime(timeWords, ms);
      c.futex(number, toAddress(address), FUTEX_WAIT, expected, ms === Infinity ? null : time, 0, 0);
    },
    wake: (address, count) => c.futex(number, toAddress(address), FUTEX_WAKE, count, null, 0, 0),
    yield: () => void c.sched_yield(),
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
