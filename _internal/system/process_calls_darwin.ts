/**
 * {@linkcode ProcessCalls} on macOS, from its headers and manuals: **never run on a Mac**.
 *
 * The system cannot be told to kill a process with its parent. So each child has a worker that sleeps until its parent is
 * gone, and then kills the process: see entries/parent_watch_entry.ts. A child that may not call the C library could not do
 * that, so no such child is started.
 *
 * No function with a variable number of arguments is called: see libc_darwin.ts.
 *
 * @module
 */

import { exitProcess } from "../runtime/this_thread.ts";
import { isBun, pidOfThis } from "../runtime/runtime.ts";
import { ownFile } from "../runtime/own_files.ts";
import { ignoreOnDeno } from "../runtime/spawn.ts";
import { startWorker } from "../runtime/workers.ts";
import { currentFolder, type ProcessCalls, removeVariable, SIGKILL, stringAt } from "./calls.ts";
import { cString, type Functions, loadNative, type Native, type Signature } from "./ffi.ts";
import { BSDINFO_BYTES, DARWIN_LIBRARIES, PROC_PIDTBSDINFO } from "./libc_darwin.ts";

const SIGHUP = 1;
const SIGINT = 2;
const SIGURG = 16;
const SIG_IGN = 1;
const P_PID = 1;
const WNOHANG = 1;
const WEXITED = 4;
const WNOWAIT = 0x20;
const CLD_EXITED = 1;
const SZOMB = 5;
const EVFILT_PROC = -5;
const EV_ADD = 1;
const NOTE_EXIT = 0x80000000;
const KEVENT_BYTES = 32;
const F_OK = 0;
/** So often the watch looks whether the parent is still the parent of this process: milliseconds. */
const SLICE_MS = 1000;
/** The same without a queue of events, in microseconds. */
const PAUSE_US = 100_000;

/** The C functions, by name. Checked by a test: none has a variable number of parameters. */
export const DARWIN_PROCESS_SIGNATURES = {
  waitid: { parameters: ["i32", "i32", "buffer", "i32"], result: "i32" },
  kill: { parameters: ["i32", "i32"], result: "i32" },
  getppid: { parameters: [], result: "i32" },
  proc_pidinfo: { parameters: ["i32", "i32", "i64", "buffer", "i32"], result: "i32" },
  kqueue: { parameters: [], result: "i32" },
  kevent: { parameters: ["i32", "buffer", "i32", "buffer", "i32", "buffer"], result: "i32" },
  usleep: { parameters: ["i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  chdir: { parameters: ["buffer"], result: "i32" },
  access: { parameters: ["buffer", "i32"], result: "i32" },
  getcwd: { parameters: ["buffer", "i64"], result: "address" },
  getenv: { parameters: ["buffer"], result: "address" },
  strlen: { parameters: ["address"], result: "i64" },
  signal: { parameters: ["i32", "address"], result: "address" },
  unsetenv: { parameters: ["buffer"], result: "i32" },
  _NSGetArgc: { parameters: [], result: "address" },
  _NSGetArgv: { parameters: [], result: "address" },
} as const satisfies Record<string, Signature>;

/** The operating system, as far as processes go. */
export function darwinProcesses(action: string): ProcessCalls {
  const native = loadNative(action);
  const c = native.open(DARWIN_LIBRARIES, DARWIN_PROCESS_SIGNATURES);
  // siginfo_t: number, error, code, pid, user, status.
  const info = new Int32Array(32);
  return {
    exitOf(pid) {
      // Left as it is where the child runs.
      info[3] = 0;
      if (c.waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return "unknown";
      if (info[3] === 0) return undefined;
      return info[2] === CLD_EXITED ? info[5] & 0xff : -info[5];
    },
    exitOfOther(pid) {
      // struct proc_bsdinfo: flags, state, and how it ended, as wait() tells it. 1: also of a process that has ended and is not
      // waited for yet.
      const process = new Uint32Array(BSDINFO_BYTES / 4);
      if (c.proc_pidinfo(pid, PROC_PIDTBSDINFO, 1, process, BSDINFO_BYTES) < BSDINFO_BYTES) return "gone";
      if (process[1] !== SZOMB) return undefined;
      return (process[2] & 0x7f) === 0 ? process[2] >> 8 & 0xff : -(process[2] & 0x7f);
    },
    // On Bun SIGTERM stays what it was: no other process could tell whether the program has a handler for it.
    leaveSignals() {
      if (isBun) { for (const signal of [SIGHUP, SIGINT]) c.signal(signal, SIG_IGN); }
      else ignoreOnDeno();
    },
    leavesTerminate: () => false,
    urgent: SIGURG,
    signal: (pid, signal) => c.kill(pid, signal) === 0,
    openProcess: (pid) => watch(c, pid),
    waitForEnd: (descriptor, ms) => waitForEvent(c, descriptor, Math.min(ms, 2 ** 30)),
    close: (descriptor) => void c.close(descriptor),
    // Its pid, which no other process has while its children have it for their parent.
    openLifeline: () => 0,
    lifelineOf: () => `${pidOfThis()}`,
    dieWith(lifeline) {
      const parent = Number(lifeline);
      if (c.getppid() !== parent) return false;
      const worker = startWorker(ownFile("parentWatch"), {
        message: () => {},
        error: (message) => {
          console.error(`Cannot start process as nothing would end it with its parent: ${message}`);
          exitProcess(1);
        },
        close: () => {},
      });
      worker.setRef(false);
      worker.post(parent);
      return true;
    },
    // The memory of a parent that ends is a file, which stays.
    isOrphan: () => false,
    killAfterThis: undefined,
    start: undefined,
    reap() {},
    openBytes: () => -1,
    firstVariables: () => ({}),
    openPair: () => undefined,
    receive: () => 0,
    waitForEither: undefined,
    commandLine: () => commandLine(native, c),
    changeFolder: (path) => c.chdir(cString(path)) === 0,
    isFolder: (path) => c.access(cString(`${path}/.`), F_OK) === 0,
    exists: (path) => c.access(cString(path), F_OK) === 0,
    folder: () => currentFolder(c),
    variable(name) {
      const address = c.getenv(cString(name));
      return address === 0 ? undefined : stringAt(native, c, address);
    },
    removeVariable: (name) => removeVariable(c, name),
  };
}

/** In a worker: kills this process as soon as that one is not its parent any more. */
export function watchParent(parent: number): never {
  const c = loadNative("start process").open(DARWIN_LIBRARIES, DARWIN_PROCESS_SIGNATURES);
  const queue = watch(c, parent);
  // Asked after the watch has begun: a parent that ended before is not missed, and no process that got its number is watched.
  while (c.getppid() === parent) {
    if (queue >= 0) waitForEvent(c, queue, SLICE_MS);
    // It has just ended, or the system has no queue to give.
    else c.usleep(PAUSE_US);
  }
  for (;;) c.kill(pidOfThis(), SIGKILL);
}

type Calls = Functions<typeof DARWIN_PROCESS_SIGNATURES>;

// A queue of events that tells of the end of a process; negative where that has ended already. Children do not inherit it.
function watch(c: Calls, pid: number): number {
  const queue = c.kqueue();
  if (queue < 0) return queue;
  // struct kevent: what of 64 bits, filter and action of 16 bits, flags, data and user's data of 64 bits.
  const change = new DataView(new ArrayBuffer(KEVENT_BYTES));
  change.setUint32(0, pid, true);
  change.setInt16(8, EVFILT_PROC, true);
  change.setUint16(10, EV_ADD, true);
  change.setUint32(12, NOTE_EXIT, true);
  if (c.kevent(queue, change, 1, null, 0, null) >= 0) return queue;
  c.close(queue);
  return -1;
}

function waitForEvent(c: Calls, queue: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  // struct timespec: seconds and nanoseconds of 64 bits.
  const time = new Uint32Array([seconds, 0, Math.min(999_999_999, Math.ceil((ms - seconds * 1000) * 1e6)), 0]);
  c.kevent(queue, null, 0, new Uint8Array(KEVENT_BYTES), 1, time);
}

function commandLine(native: Native, c: Calls): string[] {
  const count = new Int32Array(native.view(c._NSGetArgc(), 4))[0];
  const list = pointersAt(native, c._NSGetArgv(), 1)[0];
  return pointersAt(native, list, count).slice(1).map((address) => stringAt(native, c, address));
}

function pointersAt(native: Native, address: number, count: number): number[] {
  return Array.from(new BigUint64Array(native.view(address, count * 8)), Number);
}
