/**
 * The module with which a thread's worker begins on Deno. In the program's own graph it does nothing: see threading/thread.ts.
 *
 * @module
 */

// Deno does not tell what loaded modules export, so nearly every function must be searched for.
import "../targets/search.ts";
import { isBundled } from "../runtime/own_files.ts";
import { isWorker } from "../runtime/this_thread.ts";
import { boot } from "./worker_main.ts";

if (import.meta.main && isWorker() && !isBundled) boot();
