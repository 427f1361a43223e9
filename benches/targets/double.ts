/** The smallest function for a thread, a process or a pool. */

export function double(x: number): number {
  return x * 2;
}
