/** Has a function that others hand on. */
export function thrice(x: number): number {
  return 3 * x;
}
