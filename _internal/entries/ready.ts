/**
 * Everything that a spare worker loads while it waits for a thread.
 *
 * @module
 */

import "../../threading/mod.ts";
import "../targets/search.ts";
