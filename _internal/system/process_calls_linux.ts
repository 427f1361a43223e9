/**
 * Implements {@linkcode ProcessCalls} on Linux. Processes are found by pidfds and in `/proc`, and lifelines are pipes.
 *
 * Programs are started through the C library. A program that the runtime starts would end with the runtime or need a further
 * permission, and could not get descriptors of this process.
 *
 * @module
 */

import { deno, pidOfThis } from "../runtime/runtime.ts";
import { ignoreOnDeno } from "../runtime/spawn.ts";
import {
  changeFolder,
  currentFolder,
  type ProcessCalls,
  type ProgramOptions,
  removeVariable,
  SIGKILL,
  SIGTERM,
  stringAt,
} from "./calls.ts";
import { cString, type Functions, loadNative, type Native, system } from "./ffi.ts";

const SIGHUP = 1;
const SIGINT = 2;
const SIGURG = 23;
const SIG_IGN = 1;
const WEXITED = 4;
const WNOHANG = 1;
const WNOWAIT = 0x01000000;
const P_PID = 1;
const CLD_EXITED = 1;
const PIDFD_OPEN = 434;
const MFD_CLOEXEC = 1;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const POLLHUP = 16;
const O_RDWR = 2;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
/** This flag depends on the processor. */
const O_DIRECTORY = system().arch === "arm64" ? 0o40000 : 0o200000;
const O_NONBLOCK = 0o4000;
const O_ASYNC = 0o20000;
const F_DUPFD_CLOEXEC = 1030;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETOWN = 8;
const F_SETSIG = 10;
/** How many bytes of a file of `/proc` are read at first. */
const CHUNK = 65536;
/** The most bytes that are read of such a file. */
const LIMIT = 2 ** 22;

const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
const decoder = new TextDecoder();
/** The reading end of the lifeline of this process's parent; negative: there is none. */
let heldLifeline = -1;

/** Opens the C library and returns the calls. */
export function linuxProcesses(action: string): ProcessCalls {
  const native = loadNative(action);
  const c = native.open(LIBRARIES, {
    waitid: { parameters: ["i32", "i32", "buffer", "i32"], result: "i32" },
    kill: { parameters: ["i32", "i32"], result: "i32" },
    pidfdOpen: { name: "syscall", parameters: ["i64", "i32", "i32"], result: "i32" },
    poll: { parameters: ["buffer", "i64", "i32"], result: "i32" },
    pollAsync: { name: "poll", parameters: ["buffer", "i64", "i32"], result: "i32", async: true },
    memfd_create: { parameters: ["buffer", "i32"], result: "i32" },
    socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
    recv: { parameters: ["i32", "buffer", "i64", "i32"], result: "i64" },
    write: { parameters: ["i32", "buffer", "i64"], result: "i64" },
    lseek: { parameters: ["i32", "i64", "i32"], result: "i64" },
    pipe2: { parameters: ["buffer", "i32"], result: "i32" },
    open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
    read: { parameters: ["i32", "buffer", "i64"], result: "i64" },
    fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
    chdir: { parameters: ["buffer"], result: "i32" },
    getcwd: { parameters: ["buffer", "i64"], result: "address" },
    getenv: { parameters: ["buffer"], result: "address" },
    strlen: { parameters: ["address"], result: "i64" },
    unsetenv: { parameters: ["buffer"], result: "i32" },
    signal: { parameters: ["i32", "address"], result: "address" },
  });
  // siginfo_t on 64-bit systems, in words: number, error, code, an unused word, pid, user, status.
  const info = new Int32Array(32);
  const polled = new Int32Array(2);
  const poll = (descriptor: number, events: number, ms: number): number => {
    polled[0] = descriptor;
    polled[1] = events;
    return c.poll(polled, 1, ms) > 0 ? polled[1] >>> 16 : 0;
  };
  const canOpen = (path: string, flags: number): boolean => {
    const descriptor = c.open(cString(path), flags | O_CLOEXEC, 0);
    if (descriptor >= 0) c.close(descriptor);
    return descriptor >= 0;
  };
  const read = (path: string): Uint8Array | undefined => {
    const descriptor = c.open(cString(path), O_CLOEXEC, 0);
    if (descriptor < 0) return undefined;
    try {
      let bytes = new Uint8Array(CHUNK);
      let length = 0;
      while (length < LIMIT) {
        if (length === bytes.length) {
          const larger = new Uint8Array(bytes.length * 2);
          larger.set(bytes);
          bytes = larger;
        }
        const count = c.read(descriptor, bytes.subarray(length), bytes.length - length);
        if (count < 0) return undefined;
        if (count === 0) break;
        length += count;
      }
      return bytes.subarray(0, length);
    } finally {
      c.close(descriptor);
    }
  };
  return {
    exitOf(pid) {
      // waitid() does not write the pid if the child is running.
      info[4] = 0;
      if (c.waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return "unknown";
      if (info[4] === 0) return undefined;
      return info[2] === CLD_EXITED ? info[6] : -info[6];
    },
    exitOfOther(pid) {
      const stat = read(`/proc/${pid}/stat`);
      if (stat === undefined) return "gone";
      // The name of the program is in parentheses and can have any characters.
      const text = decoder.decode(stat);
      const fields = text.slice(text.lastIndexOf(")") + 2).trim().split(" ");
      if (fields[0] !== "Z" && fields[0] !== "X") return undefined;
      const status = Number(fields[49]);
      return (status & 0x7f) === 0 ? status >> 8 & 0xff : -(status & 0x7f);
    },
    // On Bun and Node the kernel ignores the signals, whatever code runs. Programs that the process starts do not inherit this.
    // Deno catches all three signals from half a second after the start, in a thread of its own, and ends the process if
    // it has no listener. A listener that does nothing prevents that, even if it never gets to run.
    leaveSignals() {
      if (deno === undefined) { for (const signal of [SIGHUP, SIGINT, SIGTERM]) c.signal(signal, SIG_IGN); }
      else ignoreOnDeno();
    },
    urgent: SIGURG,
    leavesTerminate(pid) {
      if (deno !== undefined) return false;
      const status = read(`/proc/${pid}/status`);
      if (status === undefined) return false;
      const text = decoder.decode(status);
      const [, bits = "0"] = /^SigIgn:\s*([0-9a-f]+)/m.exec(text) ?? [];
      return (BigInt(`0x${bits}`) >> BigInt(SIGTERM - 1) & 1n) === 1n;
    },
    signal: (pid, signal) => c.kill(pid, signal) === 0,
    openProcess: (pid) => c.pidfdOpen(PIDFD_OPEN, pid, 0),
    waitForEnd(descriptor, ms, received = -1) {
      const both = new Int32Array([descriptor, POLLIN, received, POLLIN]);
      c.poll(both, 2, Math.min(ms, 2 ** 30));
    },
    close: (descriptor) => void c.close(descriptor),
    // A pipe. Children open its reading end. Only this process has the writing end.
    openLifeline() {
      const ends = new Int32Array(2);
      return c.pipe2(ends, O_CLOEXEC) === 0 ? ends[0] : -1;
    },
    lifelineOf: (opened) => `/proc/${pidOfThis()}/fd/${opened}`,
    // The kernel kills this process when the last writer of the pipe is gone. No code of this process needs to run for that.
    // PR_SET_PDEATHSIG cannot be used, because it also kills the child when only the *thread* ends that started it.
    dieWith(path) {
      const descriptor = c.open(cString(path), O_CLOEXEC | O_NONBLOCK, 0);
      if (descriptor < 0) return false;
      c.fcntl(descriptor, F_SETSIG, SIGKILL);
      c.fcntl(descriptor, F_SETOWN, pidOfThis());
      c.fcntl(descriptor, F_SETFL, c.fcntl(descriptor, F_GETFL, 0) | O_ASYNC);
      heldLifeline = descriptor;
      // If the parent ended before O_ASYNC was set, no signal comes. So check once more.
      return (poll(descriptor, POLLIN, 0) & POLLHUP) === 0;
    },
    isOrphan: (ms) => heldLifeline >= 0 && (poll(heldLifeline, POLLIN, ms) & POLLHUP) !== 0,
    killAfterThis(pid) {
      const descriptors: number[] = [];
      // When this process ends, the system closes its descriptors in an order of its own. A pipe sends the signal only if
      // its writer is closed before its reader. So there are two pipes: in the first the writer has the higher
      // descriptor, in the second the lower.
      for (const readerLast of [false, true]) {
        const ends = new Int32Array(2);
        if (c.pipe2(ends, O_CLOEXEC) !== 0) continue;
        let [reader, writer] = ends;
        if (readerLast) {
          const higher = c.fcntl(reader, F_DUPFD_CLOEXEC, writer + 1);
          c.close(reader);
          reader = higher;
        }
        c.fcntl(reader, F_SETSIG, SIGKILL);
        c.fcntl(reader, F_SETOWN, pid);
        c.fcntl(reader, F_SETFL, c.fcntl(reader, F_GETFL, 0) | O_ASYNC);
        // The order in which they are closed to cancel the kill: the reader first, so that no signal is sent.
        descriptors.push(reader, writer);
      }
      return () => {
        for (const descriptor of descriptors) c.close(descriptor);
      };
    },
    start: (options) => startProgram(native, options),
    reap: (pid) => void c.waitid(P_PID, pid, info, WEXITED | WNOHANG),
    openBytes(bytes) {
      const descriptor = c.memfd_create(cString("weft"), MFD_CLOEXEC);
      for (let at = 0; descriptor >= 0 && at < bytes.length;) {
        const count = c.write(descriptor, bytes.subarray(at), bytes.length - at);
        if (count <= 0) {
          c.close(descriptor);
          return -1;
        }
        at += count;
      }
      if (descriptor >= 0) c.lseek(descriptor, 0, 0);
      return descriptor;
    },
    firstVariables() {
      const entries = decoder.decode(read("/proc/self/environ")).split("\0").map((entry) =>
        /^([^=]+)=(.*)$/s.exec(entry)
      );
      return Object.fromEntries(entries.flatMap((entry) => entry === null ? [] : [[entry[1], entry[2]]]));
    },
    openPair() {
      const ends = new Int32Array(2);
      return c.socketpair(AF_UNIX, SOCK_STREAM | O_CLOEXEC, 0, ends) === 0 ? [ends[0], ends[1]] : undefined;
    },
    receive: (descriptor, bytes) => c.recv(descriptor, bytes, bytes.length, MSG_DONTWAIT),
    waitForEither: !native.hasAsync ? undefined : (process, descriptor, ms) => {
      const both = new Int32Array([process, POLLIN, descriptor, POLLIN]);
      return c.pollAsync(both, 2, ms);
    },
    commandLine() {
      const bytes = read("/proc/self/cmdline");
      return bytes === undefined ? [] : decoder.decode(bytes).split("\0").slice(1, -1);
    },
    changeFolder: (path) => changeFolder(c, path),
    isFolder: (path) => canOpen(path, O_PATH | O_DIRECTORY),
    exists: (path) => canOpen(path, O_PATH),
    folder: () => currentFolder(c),
    variable(name) {
      const address = c.getenv(cString(name));
      return address === 0 ? undefined : stringAt(native, c, address);
    },
    removeVariable: (name) => removeVariable(c, name),
  };
}

// Starting programs with posix_spawn().

const SETSID = 0x80;
/** A size in bytes that is enough for the structures of posix_spawn() in any C library. */
const STRUCTURE = 1024;
/** The smallest array in bytes that has a fixed address. The engine may move smaller arrays. */
const LEAST = 4096;

const SIGNATURES = {
  posix_spawn: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
  posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
  posix_spawn_file_actions_addopen: { parameters: ["buffer", "i32", "buffer", "i32", "i32"], result: "i32" },
  posix_spawn_file_actions_adddup2: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["buffer", "i32"], result: "i32" },
  posix_spawnattr_destroy: { parameters: ["buffer"], result: "i32" },
} as const;
// Not every C library has this function, so it is not bound together with the others.
const CHANGE_FOLDER = {
  posix_spawn_file_actions_addchdir_np: { parameters: ["buffer", "buffer"], result: "i32" },
} as const;

let bound: Functions<typeof SIGNATURES> | undefined;
let boundChange: Functions<typeof CHANGE_FOLDER> | undefined;

// Starts a program and returns its pid; 0: the system did not start it.
function startProgram(native: Native, options: ProgramOptions): number {
  const c = bound ??= native.open(LIBRARIES, SIGNATURES);
  const { path, args, env, cwd, apart = false, descriptors } = options;
  const actions = new Uint8Array(STRUCTURE);
  const attributes = new Uint8Array(STRUCTURE);
  const pid = new Int32Array(2);
  c.posix_spawn_file_actions_init(actions);
  c.posix_spawnattr_init(attributes);
  try {
    if (cwd !== undefined) {
      boundChange ??= native.open(LIBRARIES, CHANGE_FOLDER);
      boundChange.posix_spawn_file_actions_addchdir_np(actions, cString(cwd));
    }
    for (const [number, from] of descriptors) {
      if (typeof from === "number") c.posix_spawn_file_actions_adddup2(actions, from, number);
      else c.posix_spawn_file_actions_addopen(actions, number, cString(from), number === 0 ? 0 : O_RDWR, 0);
    }
    if (apart) c.posix_spawnattr_setflags(attributes, SETSID);
    const given = pointersTo(native, [path, ...args]);
    const variables = pointersTo(native, Object.entries(env).map(([name, value]) => `${name}=${value}`));
    return c.posix_spawn(pid, cString(path), actions, attributes, given, variables) === 0 ? pid[0] : 0;
  } finally {
    c.posix_spawnattr_destroy(attributes);
    c.posix_spawn_file_actions_destroy(actions);
  }
}

// Returns a C array of strings: the pointers, and behind them the strings, in a piece of memory that is not moved.
function pointersTo(native: Native, texts: readonly string[]): Uint8Array {
  const strings = texts.map(cString);
  const pointers = (strings.length + 1) * 8;
  const bytes = new Uint8Array(Math.max(LEAST, pointers + strings.reduce((sum, { length }) => sum + length, 0)));
  const view = new DataView(bytes.buffer);
  const start = native.addressOf(bytes);
  let at = pointers;
  for (const [index, string] of strings.entries()) {
    bytes.set(string, at);
    view.setBigUint64(index * 8, BigInt(start + at), true);
    at += string.length;
  }
  return bytes;
}
