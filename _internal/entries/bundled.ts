/**
 * What a thread or process of a bundled or compiled program begins with, instead of the other modules in this folder: all of them
 * are in here. The program's call of `freezeSupport()` loads it.
 *
 * @module
 */

import "../../threading/mod.ts";
import "../targets/search.ts";
import * as multiprocessing from "../../multiprocessing/mod.ts";
import * as poolWorker from "../pool/worker.ts";
import * as processMemory from "../processes/process_memory.ts";
import { boot as beWaiter } from "../processes/waiter.ts";
import { mainModule } from "../runtime/modules.ts";
import { begin, type OwnFile, ownFile } from "../runtime/own_files.ts";
import { onParentMessage } from "../runtime/this_thread.ts";
import { watchParent } from "../system/process_calls_darwin.ts";
import { PROGRAM, setProgramTargets } from "../targets/program_targets.ts";
import { boot as beThread } from "../threads/worker_main.ts";
import { boot as beProcess } from "./child_entry.ts";

/** What is done by each of the library's files with which a worker or process begins. */
const BOOT: Partial<Record<OwnFile, () => void>> = {
  threadOnDeno: beThread,
  threadOnBun: beThread,
  process: beProcess,
  waiter: beWaiter,
  parentWatch: () => onParentMessage((message) => watchParent(message as number)),
};

/**
 * Lets the program start threads and processes. If it was itself started for one, becomes that, and never settles.
 *
 * @param targets The functions and classes that threads and processes run.
 */
export async function beginBundled(targets: readonly object[]): Promise<void> {
  const own = new Map<string, object>([
    [PROGRAM, setProgramTargets(targets)],
    [ownFile("poolWorker").href, poolWorker],
    [ownFile("processMemory").href, processMemory],
    [ownFile("multiprocessing").href, multiprocessing],
  ]);
  const file = begin(mainModule(), own);
  if (file === undefined) return;
  BOOT[file]!();
  await new Promise(() => {});
}
