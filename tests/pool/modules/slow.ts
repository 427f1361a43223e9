/** Takes a while to come up. */
for (const end = performance.now() + 300; performance.now() < end;);

export function answer(x: number): number {
  return x;
}
