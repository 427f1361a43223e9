/**
 * Starts the system's shell beside the program: a process that outlives it, in a session of its own, so that neither a
 * signal to the program's group nor a terminal that hangs up reaches it. The runtimes start none: theirs end with them,
 * or need a permission of their own.
 *
 * @module
 */

import { cString, type Native } from "./ffi.ts";

const SHELL = "/bin/sh";
const NOTHING = "/dev/null";
const SETSID = 0x80;
const O_RDWR = 2;
/** More than any C library's structures for it have. */
const STRUCTURE = 1024;
/** Small arrays may be moved by the engine. */
const LEAST = 4096;

/**
 * Runs a script with arguments, its input that file, its output nowhere. `false`: there is no shell, or the system starts
 * no process.
 */
export function startShell(
  native: Native,
  libraries: readonly string[],
  script: string,
  args: readonly string[],
  input: string,
): boolean {
  const c = native.open(libraries, {
    posix_spawn: { parameters: ["buffer", "buffer", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
    posix_spawn_file_actions_init: { parameters: ["buffer"], result: "i32" },
    posix_spawn_file_actions_addopen: { parameters: ["buffer", "i32", "buffer", "i32", "i32"], result: "i32" },
    posix_spawn_file_actions_destroy: { parameters: ["buffer"], result: "i32" },
    posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
    posix_spawnattr_setflags: { parameters: ["buffer", "i32"], result: "i32" },
    posix_spawnattr_destroy: { parameters: ["buffer"], result: "i32" },
  });
  const actions = new Uint8Array(STRUCTURE);
  const attributes = new Uint8Array(STRUCTURE);
  const strings = [SHELL, "-c", script, "weft", ...args].map(cString);
  const variable = [cString("PATH=/usr/bin:/bin")];
  const pid = new Int32Array(2);
  c.posix_spawn_file_actions_init(actions);
  c.posix_spawnattr_init(attributes);
  try {
    c.posix_spawn_file_actions_addopen(actions, 0, cString(input), 0, 0);
    for (const output of [1, 2]) c.posix_spawn_file_actions_addopen(actions, output, cString(NOTHING), O_RDWR, 0);
    c.posix_spawnattr_setflags(attributes, SETSID);
    const [given, environment] = [strings, variable].map((each) => pointersTo(native, each));
    return c.posix_spawn(pid, cString(SHELL), actions, attributes, given.list, environment.list) === 0;
  } finally {
    c.posix_spawnattr_destroy(attributes);
    c.posix_spawn_file_actions_destroy(actions);
  }
}

// The strings, and the list of where they are with its end, in one piece of memory that stays where it is.
function pointersTo(native: Native, strings: readonly Uint8Array[]): { list: Uint8Array } {
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
  return { list: bytes };
}
