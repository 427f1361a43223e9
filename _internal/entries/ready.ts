/**
 * All that a worker which waits for work loads beforehand.
 *
 * @module
 */

import "../../threading/mod.ts";
import "../targets/search.ts";
