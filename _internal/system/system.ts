/**
 * Chooses the calls of the system on which this program runs, or throws an error that names the systems that have them.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { refuseInBrowser } from "../runtime/runtime.ts";
import type { Libc, ProcessCalls } from "./calls.ts";
import { loadNative, system } from "./ffi.ts";
import { darwin } from "./libc_darwin.ts";
import { linux } from "./libc_linux.ts";
import { darwinProcesses } from "./process_calls_darwin.ts";
import { linuxProcesses } from "./process_calls_linux.ts";

const IN_BROWSER = "has no processes (all of @weft/concurrent/threading and @weft/concurrent/sync works here)";

let libc: Libc | undefined;

/** The calls of {@linkcode Libc}. `action` is used in the error message if the system does not have them. */
export function loadLibc(action: string): Libc {
  return libc ??= openLibc(action);
}

function openLibc(action: string): Libc {
  refuseInBrowser(action, IN_BROWSER);
  const { os, arch } = system();
  if (os === "linux" && (arch === "x64" || arch === "arm64")) return linux(loadNative(action), arch);
  if (os === "darwin" && (arch === "x64" || arch === "arm64")) return darwin(loadNative(action), arch, action);
  throw new NotSupportedError(
    `Cannot ${action} as processes cannot share memory on this system: received ${os} on ${arch}, expected Linux or macOS on x64 or arm64 (all of @weft/concurrent/threading and @weft/concurrent/sync works here)`,
  );
}

let calls: ProcessCalls | undefined;

/** The calls of {@linkcode ProcessCalls}. `action` is used in the error message if the system does not have them. */
export function loadProcessCalls(action: string): ProcessCalls {
  return calls ??= openProcessCalls(action);
}

function openProcessCalls(action: string): ProcessCalls {
  refuseInBrowser(action, IN_BROWSER);
  const { os } = system();
  if (os === "linux") return linuxProcesses(action);
  if (os === "darwin") return darwinProcesses(action);
  throw new NotSupportedError(
    `Cannot ${action} as this library cannot run processes on this system: received ${os}, expected Linux or macOS (all of @weft/concurrent/threading and @weft/concurrent/sync works here)`,
  );
}
