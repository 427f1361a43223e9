/**
 * Whether a thread is gone, asked of the system: on Bun, which stops a worker that another thread terminates, but tells
 * only who turns its event loop.
 *
 * @module
 */

import { isBun, nodeProcess } from "./globals.ts";

interface Files {
  readlinkSync(path: string): string;
  existsSync(path: string): boolean;
}

const files: Files | undefined = isBun ? nodeProcess().getBuiltinModule("node:fs") as Files : undefined;

/** The number that Linux has for the calling thread; 0 on other systems, and where nobody needs it. */
export function systemThreadId(): number {
  try {
    return Number(files?.readlinkSync("/proc/thread-self").split("/").at(-1) ?? 0);
  } catch {
    return 0;
  }
}

/** Whether that thread of this process has ended; `undefined`: the system does not tell. */
export function isSystemThreadGone(id: number): boolean | undefined {
  return id === 0 || files === undefined ? undefined : !files.existsSync(`/proc/self/task/${id}`);
}
