/** Some time for the processor alone. */
export function sumOfRoots(count: number): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.sqrt(12345 + i);
  return sum;
}
