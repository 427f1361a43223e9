/**
 * The lifeline of a process. Other processes hold it, and notice by it when the process ends, for whatever reason.
 *
 * A child holds the lifeline of its parent. When the parent is gone, the system kills the child, whatever the child is doing.
 * The child's own children are killed in the same way, so no process outlives its starter for long. What a lifeline is depends
 * on the system.
 *
 * The janitor of a tree is a shell that holds the lifeline of the tree's first process. It removes the memory files of the tree
 * (see memory_files.ts) when that process ends without running any more of its code: by a signal, or on Deno by an uncaught
 * error. No other process of the tree lives longer than the first.
 *
 * @module
 */

import { compareExchange, load, store } from "../atomics.ts";
import { LIFELINE_AT, PROCESS_MUTEX_AT } from "../memory/memory.ts";
import { lockMutex, unlockMutex } from "../memory/participants.ts";
import { existingSpace, type Space, spaceOf } from "../memory/space.ts";
import { pidOfThis } from "../runtime/runtime.ts";
import { loadProcessCalls } from "../system/system.ts";
import { ROOT_LIFELINE, ROOT_PID } from "./region.ts";

/** What a child of this process passes to {@linkcode holdLifeline}. It has no spaces. */
export function lifeline(): string {
  const { words, memory, id } = spaceOf("thread");
  const calls = loadProcessCalls("start process");
  if (load(words, LIFELINE_AT) === 0) {
    lockMutex(memory, PROCESS_MUTEX_AT, id);
    try {
      if (load(words, LIFELINE_AT) === 0) {
        const opened = calls.openLifeline();
        if (opened < 0) {
          throw new RangeError("Cannot start process as this process has too many open files: close some first");
        }
        store(words, LIFELINE_AT, opened + 1);
      }
    } finally {
      unlockMutex(memory, PROCESS_MUTEX_AT);
    }
  }
  return calls.lifelineOf(load(words, LIFELINE_AT) - 1);
}

/** Makes this process end when its parent ends. `false`: its parent is gone already. */
export function holdLifeline(lifeline: string): boolean {
  return loadProcessCalls("start process").dieWith(lifeline);
}

/** In the tree's first process: writes its lifeline into the region, for the process that will start the janitor. */
export function showLifeline(): void {
  const words = existingSpace("process")?.words;
  if (words === undefined || load(words, ROOT_PID) !== pidOfThis() || load(words, ROOT_LIFELINE) !== 0) return;
  const descriptor = /\/fd\/(\d+)$/.exec(lifeline())?.[1];
  if (descriptor !== undefined) compareExchange(words, ROOT_LIFELINE, 0, Number(descriptor) + 1);
}

// The janitor.
//
// It is started with the tree's first memory file. It reads from the lifeline of the tree's first process, which blocks
// until that process has ended. Then it removes the files that the list of memory files names. It does so again a second
// later, for files that a child made while it was being killed. If the system has no shell, the sweep of the next program
// removes them.
//
// A name may contain anything but a slash and a line break. So the script cuts the other fields off the line, and never splits
// the name. The script closes the descriptors that it inherits: they may be pipes whose readers wait for the end of the
// program, and must not wait for the end of the janitor.

const SCRIPT = `
trap '' HUP INT QUIT TERM TSTP
cd /
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
read -r end
same() {
  set -- "$1" $(ls -di -- "$2" 2>/dev/null)
  [ "$1" = "0.$2" ]
}
sweep() {
  [ -f "$1" ] || return
  while IFS= read -r line; do
    case $line in +*) ;; *) continue ;; esac
    line=\${line#+}
    file=\${line%% *}
    line=\${line#* }
    for name in "\${line%% *}" "\${line#* }"; do
      same "$file" "$2$name" && rm -f -- "$2$name"
    done
  done < "$1"
  rm -f -- "$1"
}
sweep "$1" "$2"
sleep 1
sweep "$1" "$2"
`;

/**
 * Starts the janitor, unless it runs or cannot be started. `list` is the path of the list, `folder` the folder of the
 * files.
 */
export function startJanitor({ words }: Space, list: string, folder: string): void {
  const { start } = loadProcessCalls("create shared memory");
  if (start === undefined) return;
  try {
    showLifeline();
  } catch {
    return;
  }
  const descriptor = load(words, ROOT_LIFELINE);
  // Several threads may get here at once. The thread that makes the descriptor negative starts the janitor.
  if (descriptor <= 0 || compareExchange(words, ROOT_LIFELINE, descriptor, -descriptor) !== descriptor) return;
  const path = `/proc/${load(words, ROOT_PID)}/fd/${descriptor - 1}`;
  let pid = 0;
  try {
    pid = start({
      path: "/bin/sh",
      args: ["-c", SCRIPT, "weft", list, folder],
      env: { PATH: "/usr/bin:/bin" },
      apart: true,
      descriptors: [[0, path], [1, "/dev/null"], [2, "/dev/null"]],
    });
  } catch {
    // The same as when the system starts none: the descriptor becomes positive again, and the next memory file tries again.
  }
  if (pid <= 0) store(words, ROOT_LIFELINE, descriptor);
}
