/**
 * Where a thread's worker begins on Deno. In the program's own graph this does nothing: see threading/thread.ts.
 *
 * @module
 */

// Deno does not tell what the loaded modules export, so that nearly every function has to be searched for.
import "../targets/search.ts";
import { isBundled } from "../runtime/own_files.ts";
import { isWorker } from "../runtime/this_thread.ts";
import { boot } from "./worker_main.ts";

if (import.meta.main && isWorker() && !isBundled) boot();
