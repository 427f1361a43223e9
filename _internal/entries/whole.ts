/**
 * All classes that shared objects and threads may arrive as.
 *
 * @module
 */

import "../../sync/mod.ts";
import "../../threading/thread.ts";
