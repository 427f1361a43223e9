/**
 * Implements {@linkcode ProcessCalls} on macOS. It was written from the headers and manuals, and has **never been run on
 * a Mac**.
 *
 * This system cannot kill a process when its parent ends. So each child has a worker that sleeps until the parent is gone, and
 * then kills the child: see entries/parent_watch_entry.ts. A child that may not call the C library cannot have this worker, so
 * no such child is started.
 *
 * No function is called with variable arguments: see libc_darwin.ts.
 *
 * @module
 */

import { exitProcess } from "../runtime/this_thread.ts";
import { deno, pidOfThis } from "../runtime/runtime.ts";
import { ownFile } from "../runtime/own_files.ts";
import { ignoreOnDeno } from "../runtime/spawn.ts";
import { startWorker } from "../runtime/workers.ts";
import { changeFolder, currentFolder, type ProcessCalls, removeVariable, SIGKILL, stringAt } from "./calls.ts";
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
/** How many milliseconds the worker sleeps at most before it checks whether the parent is still the parent of this process. */
const SLICE_MS = 1000;
/** How many microseconds it sleeps if the system has no queue of events for it. */
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

/** Opens the C library and returns the calls. */
export function darwinProcesses(action: string): ProcessCalls {
  const native = loadNative(action);
  const c = native.open(DARWIN_LIBRARIES, DARWIN_PROCESS_SIGNATURES);
  // siginfo_t, in words: number, error, code, pid, user, status.
  const info = new Int32Array(32);
  return {
    exitOf(pid) {
      // waitid() does not write the pid if the child is running.
      info[3] = 0;
      if (c.waitid(P_PID, pid, info, WEXITED | WNOHANG | WNOWAIT) !== 0) return "unknown";
      if (info[3] === 0) return undefined;
      return info[2] === CLD_EXITED ? info[5] & 0xff : -info[5];
    },
    exitOfOther(pid) {
      // struct proc_bsdinfo, in words: flags, state, and how it ended, as wait() returns it. The argument 1 asks also for
      // a process that has ended and is still a zombie.
      const process = new Uint32Array(BSDINFO_BYTES / 4);
      if (c.proc_pidinfo(pid, PROC_PIDTBSDINFO, 1, process, BSDINFO_BYTES) < BSDINFO_BYTES) return "gone";
      if (process[1] !== SZOMB) return undefined;
      return (process[2] & 0x7f) === 0 ? process[2] >> 8 & 0xff : -(process[2] & 0x7f);
    },
    // On Bun the process does not ignore SIGTERM, because no other process could see whether the program has a handler for it.
    leaveSignals() {
      if (deno === undefined) { for (const signal of [SIGHUP, SIGINT]) c.signal(signal, SIG_IGN); }
      else ignoreOnDeno();
    },
    leavesTerminate: () => false,
    urgent: SIGURG,
    signal: (pid, signal) => c.kill(pid, signal) === 0,
    openProcess: (pid) => watch(c, pid),
    waitForEnd: (descriptor, ms) => waitForEvent(c, descriptor, Math.min(ms, 2 ** 30)),
    close: (descriptor) => void c.close(descriptor),
    // The lifeline is the pid. No other process gets it as long as a child has this process as its parent.
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
    // A child calls this if it cannot attach to the memory of its parent. Here the memory is a file, which is still there
    // when the parent has ended.
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
    changeFolder: (path) => changeFolder(c, path),
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

/** In a worker: kills this process as soon as `parent` is no longer its parent. */
export function watchParent(parent: number): never {
  const c = loadNative("start process").open(DARWIN_LIBRARIES, DARWIN_PROCESS_SIGNATURES);
  const queue = watch(c, parent);
  // Check the parent after the watch has begun. Then an end of the parent before that is not missed, nor is another
  // process with the same pid watched.
  while (c.getppid() === parent) {
    if (queue >= 0) waitForEvent(c, queue, SLICE_MS);
    // The parent has just ended, or the system has no queue of events left.
    else c.usleep(PAUSE_US);
  }
  for (;;) c.kill(pidOfThis(), SIGKILL);
}

type Calls = Functions<typeof DARWIN_PROCESS_SIGNATURES>;

// Returns a queue of events that reports the end of a process; negative if the process has ended already. Children do not
// inherit the queue.
function watch(c: Calls, pid: number): number {
  const queue = c.kqueue();
  if (queue < 0) return queue;
  // struct kevent: the pid (64 bits), the filter and the action (16 bits each), flags (32 bits), data and user data (64
  // bits each).
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
  // struct timespec: seconds and nanoseconds (64 bits each).
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
