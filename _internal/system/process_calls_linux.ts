/**
 * {@linkcode ProcessCalls} on Linux.
 *
 * @module
 */

import { isBun, isBunBefore, nodeProcess, pidOfThis } from "../runtime/runtime.ts";
import { ignoreOnDeno } from "../runtime/spawn.ts";
import { cString, loadNative, system } from "./ffi.ts";
import { startProgram } from "./posix_spawn.ts";
import type { ProcessCalls } from "./calls.ts";

const SIGHUP = 1;
const SIGINT = 2;
const SIGKILL = 9;
const SIGTERM = 15;
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
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
// The flags differ with the processor.
const O_DIRECTORY = system().arch === "arm64" ? 0o40000 : 0o200000;
const O_NONBLOCK = 0o4000;
const O_ASYNC = 0o20000;
const F_DUPFD_CLOEXEC = 1030;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETOWN = 8;
const F_SETSIG = 10;
const FOLDER_BYTES = 4096;
const CHUNK = 65536;
const LIMIT = 2 ** 22;

const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];
const decoder = new TextDecoder();
/** The reading end of the lifeline of this process's parent; negative: it has none. */
let heldLifeline = -1;

/** Processes. */
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
  // siginfo_t on 64-bit systems: number, error, code, nothing, pid, user, status.
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
      // Left as it is where the child runs.
      info[4] = 0;
      if (c.waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return "unknown";
      if (info[4] === 0) return undefined;
      return info[2] === CLD_EXITED ? info[6] : -info[6];
    },
    exitOfOther(pid) {
      const stat = read(`/proc/${pid}/stat`);
      if (stat === undefined) return "gone";
      // The name, in parentheses, may contain anything.
      const text = decoder.decode(stat);
      const fields = text.slice(text.lastIndexOf(")") + 2).trim().split(" ");
      if (fields[0] !== "Z" && fields[0] !== "X") return undefined;
      const status = Number(fields[49]);
      return (status & 0x7f) === 0 ? status >> 8 & 0xff : -(status & 0x7f);
    },
    // On Bun in the kernel's way, which holds whatever code runs and which the programs that this one starts do not inherit.
    // Deno catches all three half a second after the start and ends the process where there is no listener, from a thread
    // of its own: one that does nothing is enough, also where it never gets to run.
    leaveSignals() {
      if (isBun) { for (const signal of [SIGHUP, SIGINT, SIGTERM]) c.signal(signal, SIG_IGN); }
      else ignoreOnDeno();
    },
    urgent: SIGURG,
    leavesTerminate(pid) {
      if (!isBun) return false;
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
    // A pipe, of which children open the reading end, and nobody else has the writing one.
    openLifeline() {
      const ends = new Int32Array(2);
      return c.pipe2(ends, O_CLOEXEC) === 0 ? ends[0] : -1;
    },
    lifelineOf: (opened) => `/proc/${pidOfThis()}/fd/${opened}`,
    // In the kernel, when the last writer is gone: no code of this process needs to run for that. PR_SET_PDEATHSIG is no
    // good here, since it also fires when only the *thread* ends that started the child.
    dieWith(path) {
      const descriptor = c.open(cString(path), O_CLOEXEC | O_NONBLOCK, 0);
      if (descriptor < 0) return false;
      c.fcntl(descriptor, F_SETSIG, SIGKILL);
      c.fcntl(descriptor, F_SETOWN, pidOfThis());
      c.fcntl(descriptor, F_SETFL, c.fcntl(descriptor, F_GETFL, 0) | O_ASYNC);
      heldLifeline = descriptor;
      // What happened before the system knew whom to kill would go unnoticed.
      return (poll(descriptor, POLLIN, 0) & POLLHUP) === 0;
    },
    isOrphan: (ms) => heldLifeline >= 0 && (poll(heldLifeline, POLLIN, ms) & POLLHUP) !== 0,
    killAfterThis(pid) {
      const descriptors: number[] = [];
      // A process that ends closes all it has in an order that the system chooses, and the kill comes from a pipe that loses
      // its writer before its reader: so one in which the writer has the higher number, and one in which it has the lower.
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
        // The reader first, where it is called off.
        descriptors.push(reader, writer);
      }
      return () => {
        for (const descriptor of descriptors) c.close(descriptor);
      };
    },
    start: (options) => startProgram(native, LIBRARIES, options),
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
    changeFolder: (path) => c.chdir(cString(path)) === 0,
    isFolder: (path) => canOpen(path, O_PATH | O_DIRECTORY),
    exists: (path) => canOpen(path, O_PATH),
    folder() {
      const bytes = new Uint8Array(FOLDER_BYTES);
      if (c.getcwd(bytes, bytes.length) === 0) return "/";
      return decoder.decode(bytes.subarray(0, bytes.indexOf(0)));
    },
    variable(name) {
      const address = c.getenv(cString(name));
      if (address === 0) return undefined;
      const length = c.strlen(native.toAddress(address));
      return length === 0 ? "" : decoder.decode(new Uint8Array(native.view(address, length)).slice());
    },
    removeVariable(name) {
      // Before 1.4 Bun reads the environment anew for each worker, as far as it went at the start: where that has become
      // shorter, the process crashes.
      if (!isBunBefore(1, 4, 0)) c.unsetenv(cString(name));
      // A copy, on Bun.
      if (isBun) delete (nodeProcess() as unknown as { env: Record<string, string> }).env[name];
    },
  };
}
