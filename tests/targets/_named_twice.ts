/** Has a function of a name that a program uses for something else. */
export function thriceMore(x: number): number {
  return 3 * x;
}
