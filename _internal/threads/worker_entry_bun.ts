/**
 * The module with which a thread's worker begins on Bun, where `import.meta.main` is not set in a worker.
 *
 * @module
 */

import { boot } from "./worker_main.ts";

boot();
