/** The same with a function whose module imports the package. */

import { doubleLocked } from "./_package_targets.ts";

(globalThis as unknown as Worker).onmessage = (message: MessageEvent<number>): void => {
  (globalThis as unknown as Worker).postMessage(doubleLocked(message.data));
};
