/** A bare worker that does by hand what a thread or a pool's worker does: it answers with what the function returns. */

import { double } from "./double.ts";

const self = globalThis as unknown as Worker;
self.onmessage = ({ data }: MessageEvent<number | number[]>): void => {
  self.postMessage(Array.isArray(data) ? data.map(double) : double(data));
};
