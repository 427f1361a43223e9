/** A bare worker: no library, messages by hand. */

import { JOBS, setNumbers } from "./jobs.ts";
import type { Request } from "./bare.ts";

declare const self: {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(message: unknown): void;
};

self.onmessage = ({ data }) => {
  if (data.kind === "numbers") {
    setNumbers({ array: new Float64Array(data.buffer) });
    self.postMessage(undefined);
  } else if (data.kind === "lock") {
    increment(new Int32Array(data.buffer), data.count);
    self.postMessage(undefined);
  } else {
    self.postMessage(data.tasks.map(JOBS[data.job].run));
  }
};

/** Increments the second word under a lock in the first: 0 is free, 1 is taken, 2 is taken and wanted. */
function increment(words: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    if (Atomics.compareExchange(words, 0, 0, 1) !== 0) {
      while (Atomics.exchange(words, 0, 2) !== 0) Atomics.wait(words, 0, 2);
    }
    words[1]!++;
    if (Atomics.exchange(words, 0, 0) === 2) Atomics.notify(words, 0, 1);
  }
}
