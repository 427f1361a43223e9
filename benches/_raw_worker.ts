/** What a thread does, by hand: it imports the function's module, calls it once and answers. */

import { double } from "./_thread_targets.ts";

(globalThis as unknown as Worker).onmessage = (message: MessageEvent<number>): void => {
  (globalThis as unknown as Worker).postMessage(double(message.data));
};
