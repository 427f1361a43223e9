/**
 * All that a worker loads beforehand while it waits for a thread to come.
 *
 * @module
 */

import "../../threading/mod.ts";
import "../targets/search.ts";
