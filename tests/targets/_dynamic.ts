/** Is imported when it is needed. */

export const seven = (x: number): number => x * 7;
