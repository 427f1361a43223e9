/** Computes at its top for longer than any test waits. */
for (const end = performance.now() + 100_000; performance.now() < end;);

export function same(x: number): number {
  return x;
}
