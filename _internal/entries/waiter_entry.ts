/**
 * Where the worker begins that sleeps for a thread.
 *
 * @module
 */

import { boot } from "../processes/waiter.ts";

boot();
