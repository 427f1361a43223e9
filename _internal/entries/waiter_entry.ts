/**
 * The module with which a worker begins that sleeps on behalf of a thread.
 *
 * @module
 */

import { boot } from "../processes/waiter.ts";

boot();
