/** Takes a while to come up. */
for (const end = performance.now() + 300; performance.now() < end;);

export function same(x: number): number {
  return x;
}
