/** Takes a while to load. */
for (const end = performance.now() + 300; performance.now() < end;);

export function answer(x: number): number {
  return x;
}
