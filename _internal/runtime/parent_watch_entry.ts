/**
 * Where the worker begins that ends this process with its parent, on systems that cannot do so themselves.
 *
 * @module
 */

import { watchParent } from "./process_calls_darwin.ts";
import { onParentMessage } from "./worker.ts";

onParentMessage((message) => watchParent(message as number));
