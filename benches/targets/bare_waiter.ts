/** A bare worker that answers through two words of shared memory: it waits for the first and changes the second. */

const self = globalThis as unknown as Worker;
self.onmessage = ({ data: words }: MessageEvent<Int32Array>): void => {
  for (let turn = 0;; turn++) {
    Atomics.wait(words, 0, turn);
    Atomics.store(words, 1, turn + 1);
    Atomics.notify(words, 1);
  }
};
