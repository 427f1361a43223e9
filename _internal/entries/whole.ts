/**
 * All classes of shared objects, and of threads, that may arrive in a message.
 *
 * @module
 */

import "../../sync/mod.ts";
import "../../threading/thread.ts";
