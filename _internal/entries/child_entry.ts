/**
 * Where a child process begins.
 *
 * @module
 */

import { boot } from "./child_main.ts";

boot();
