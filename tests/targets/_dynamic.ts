/** Is imported when it is needed. */

export const seven = (x: number): number => x * 7;

let calls = 70;

export function next(): number {
  return ++calls;
}
