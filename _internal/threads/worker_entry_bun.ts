/**
 * Where a thread's worker begins on Bun, whose workers do not know that a module is their first.
 *
 * @module
 */

import { boot } from "./worker_main.ts";

boot();
