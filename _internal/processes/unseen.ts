/**
 * Processes of which the runtime itself knows nothing: started by the C library and watched by it.
 *
 * @module
 */

import { environment } from "../runtime/runtime.ts";
import { loadNative } from "../system/ffi.ts";
import { loadProcessCalls } from "../system/system.ts";
import type { ProcessCalls } from "../system/calls.ts";
import { runtimePath, type Spawned, type SpawnOptions } from "../runtime/spawn.ts";

/** The longest sleep without a look at whether it was in vain. */
const SLICE = 1000;

/** What a process sends while it runs. */
export interface Sender {
  /** Where it arrives; negative: nothing does. */
  readonly descriptor: number;
  drain(): void;
}

const SILENT: Sender = { descriptor: -1, drain() {} };

/** Resolves with how a child ended of which the runtime knows nothing, and takes note of its end. */
export async function endOf(
  calls: ProcessCalls,
  pid: number,
  isReferenced: () => boolean,
  sender: Sender = SILENT,
): Promise<number> {
  const descriptor = calls.openProcess(pid);
  try {
    // The caller says first whether it keeps the program alive.
    await undefined;
    for (;;) {
      sender.drain();
      const code = calls.exitOf(pid);
      if (code !== undefined) {
        sender.drain();
        calls.reap(pid);
        return code === "unknown" ? -9 : code;
      }
      const change = calls.waitForEither!(descriptor, sender.descriptor, SLICE);
      if (!isReferenced()) loadNative("start process").unref(change);
      await change;
    }
  } finally {
    calls.close(descriptor);
  }
}

/**
 * Starts this runtime anew, and watches it only when it is asked how it ended: until then a test runner sees nothing of
 * it. `undefined`: this system or runtime has no such thing.
 */
export function spawnUnseen({ args, cwd, env }: SpawnOptions): Spawned | undefined {
  const calls = loadProcessCalls("start process");
  if (calls.start === undefined || calls.waitForEither === undefined) return undefined;
  const variables = { ...ownVariables(calls), ...env };
  const pid = calls.start({ path: runtimePath(), args, cwd, env: variables, descriptors: [[0, "/dev/null"]] });
  if (pid === 0) return undefined;
  let referenced = true;
  let ended: Promise<number> | undefined;
  return {
    pid,
    get ended() {
      return ended ??= endOf(calls, pid, () => referenced);
    },
    setRef: (ref) => void (referenced = ref),
  };
}

/** The variables of this process; a program that may not read all of them has them all the same. */
export function ownVariables(calls: ProcessCalls): Record<string, string> {
  const variables = environment();
  return Object.keys(variables).length > 0 ? variables : calls.firstVariables();
}
