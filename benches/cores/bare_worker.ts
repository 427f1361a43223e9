/** A bare worker: no library, messages by hand. */

import { lock, unlock } from "../peers/bare/lock.ts";
import { JOBS, setNumbers } from "./jobs.ts";
import type { Request } from "./bare.ts";

declare const self: {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(message: unknown): void;
};

self.onmessage = ({ data }) => {
  if (data.kind === "numbers") {
    setNumbers(new Float64Array(data.buffer));
    self.postMessage(undefined);
  } else if (data.kind === "lock") {
    contend(new Int32Array(data.buffer), data.count);
    self.postMessage(undefined);
  } else {
    self.postMessage(data.tasks.map(JOBS[data.job].run));
  }
};

/** Increments the second word so many times under a lock in the first. */
function contend(words: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    lock(words, 0);
    words[1]!++;
    unlock(words, 0);
  }
}
