/**
 * The module with which a worker begins that ends this process when its parent ends, on systems that cannot do so themselves.
 *
 * @module
 */

import { watchParent } from "../system/process_calls_darwin.ts";
import { onParentMessage } from "../runtime/this_thread.ts";

onParentMessage((message) => watchParent(message as number));
