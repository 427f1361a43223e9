/**
 * The lifeline of a process: its end is noticed by all that hold it, however the process ended.
 *
 * A child ties its life to its parent's lifeline, and is killed when the parent is gone, whatever the child is doing. Its own
 * children follow in the same way, so that no process outlives its starter. What it is tied with depends on the system.
 *
 * The janitor of a tree is a shell that holds the lifeline of the tree's first process. It removes the memory files of the tree
 * (see memory_files.ts) where that process ends in a way that runs no code of it: by a signal, or on Deno by an uncaught error.
 * No other process of the tree lives longer.
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

/** What the children of this process need to tie their lives to it. One word. */
export function lifeline(): string {
  const { words, memory, id } = spaceOf("thread");
  const calls = loadProcessCalls("start process");
  if (load(words, LIFELINE_AT) === 0) {
    lockMutex(memory, PROCESS_MUTEX_AT, id);
    try {
      if (load(words, LIFELINE_AT) === 0) {
        const opened = calls.openLifeline();
        if (opened < 0) {
          throw new RangeError("Cannot start process as this one has too many files open: close some first");
        }
        store(words, LIFELINE_AT, opened + 1);
      }
    } finally {
      unlockMutex(memory, PROCESS_MUTEX_AT);
    }
  }
  return calls.lifelineOf(load(words, LIFELINE_AT) - 1);
}

/** Ties the life of this process to that of its parent. `false`: its parent is gone already. */
export function holdLifeline(lifeline: string): boolean {
  return loadProcessCalls("start process").dieWith(lifeline);
}

/** In the tree's first process: lets the others know its lifeline. */
export function showLifeline(): void {
  const words = existingSpace("process")?.words;
  if (words === undefined || load(words, ROOT_PID) !== pidOfThis() || load(words, ROOT_LIFELINE) !== 0) return;
  const descriptor = /\/fd\/(\d+)$/.exec(lifeline())?.[1];
  if (descriptor !== undefined) compareExchange(words, ROOT_LIFELINE, 0, Number(descriptor) + 1);
}

// The janitor.
//
// It is started with the tree's first memory file. It reads from the lifeline of the tree's first process until that has ended,
// then removes what the list of memory files names, and once more a second later, for what was made by a child that was on its
// way out itself. Where the system has no shell, the next program's sweep removes it.
//
// A name may have anything but a slash and a line break, so that it is cut off and never split. Descriptors that the
// program was started with may be pipes whose readers wait for their end, and should not wait for the janitor's.

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

/** Starts the janitor, unless it runs or cannot be started. `list` is the path of the list, `folder` where the files are. */
export function startJanitor({ words }: Space, list: string, folder: string): void {
  const { start } = loadProcessCalls("create shared memory");
  if (start === undefined) return;
  try {
    showLifeline();
  } catch {
    return;
  }
  const descriptor = load(words, ROOT_LIFELINE);
  // Several threads may come here at once: the first starts it.
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
    // As where the system starts none.
  }
  if (pid <= 0) store(words, ROOT_LIFELINE, descriptor);
}
