/**
 * Whether a thread is gone, asked of the system: on Bun, which stops a worker that another thread terminates, but tells
 * only who turns its event loop.
 *
 * @module
 */

import { isBun, nodeProcess } from "../runtime/runtime.ts";

interface Files {
  readdirSync(path: string): string[];
  readlinkSync(path: string): string;
  existsSync(path: string): boolean;
}

let loaded: Files | undefined;

// Only where it is needed: it takes a worker longer to load than all of the library's own modules.
function files(): Files | undefined {
  if (isBun) loaded ??= nodeProcess().getBuiltinModule("node:fs") as Files;
  return loaded;
}

/** The number that Linux has for the calling thread; 0 on other systems, and where nobody needs it. */
export function systemThreadId(): number {
  try {
    return Number(files()?.readlinkSync("/proc/thread-self").split("/").at(-1) ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Calls `start`, which starts a thread, and says which number that thread has; 0 where that cannot be told or nobody
 * needs it. Quicker than the thread can say it, which would have to load all that files take.
 */
export function startSystemThread<T>(start: () => T): { started: T; id: number } {
  const before = threads();
  const started = start();
  // Bun has made the thread when its Worker is there. One of its own may have come at the same time.
  const fresh = before === undefined ? [] : threads()?.filter((id) => !before.includes(id)) ?? [];
  return { started, id: fresh.length === 1 ? Number(fresh[0]) : 0 };
}

function threads(): string[] | undefined {
  try {
    return files()?.readdirSync("/proc/self/task");
  } catch {
    return undefined;
  }
}

/** Whether that thread of this process has ended; `undefined`: the system does not tell. */
export function isSystemThreadGone(id: number): boolean | undefined {
  return id === 0 || files() === undefined ? undefined : !files()!.existsSync(`/proc/self/task/${id}`);
}
