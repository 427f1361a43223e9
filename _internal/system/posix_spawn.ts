/**
 * Starts programs by the C library, where the runtimes do it in another way than is needed: what they start ends with them,
 * or needs a permission of its own, and gets none of this process's descriptors.
 *
 * @module
 */

import { cString, type Functions, type Native } from "./ffi.ts";

const SETSID = 0x80;
/** More than any C library's structures for it have. */
const STRUCTURE = 1024;
/** Small arrays may be moved by the engine. */
const LEAST = 4096;
const O_RDWR = 2;

/** What is started. */
export interface ProgramOptions {
  readonly path: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Where it starts; by default where this process is. */
  readonly cwd?: string;
  /** In a session of its own, so that neither a signal to the group nor a terminal that hangs up reaches it. */
  readonly apart?: boolean;
  /** Its descriptors: a path that is opened, to read alone if it is the first, or the number of one of this process's. */
  readonly descriptors: readonly (readonly [number, string | number])[];
}

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
// Not in every C library, and so not bound with the others.
const CHANGE_FOLDER = {
  posix_spawn_file_actions_addchdir_np: { parameters: ["buffer", "buffer"], result: "i32" },
} as const;

let bound: Functions<typeof SIGNATURES> | undefined;
let boundChange: Functions<typeof CHANGE_FOLDER> | undefined;

/** Starts a program; 0: the system starts none. */
export function startProgram(native: Native, libraries: readonly string[], options: ProgramOptions): number {
  const c = bound ??= native.open(libraries, SIGNATURES);
  const { path, args, env, cwd, apart = false, descriptors } = options;
  const actions = new Uint8Array(STRUCTURE);
  const attributes = new Uint8Array(STRUCTURE);
  const pid = new Int32Array(2);
  c.posix_spawn_file_actions_init(actions);
  c.posix_spawnattr_init(attributes);
  try {
    if (cwd !== undefined) {
      boundChange ??= native.open(libraries, CHANGE_FOLDER);
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

// The strings, behind the list of where they are and its end, in one piece of memory that stays where it is.
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
