/** Blocks at its top for longer than any test waits, and takes no processor meanwhile. */
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100_000);

export function same(x: number): number {
  return x;
}
