/** Is imported by no module that hands its function over. */

export function strip(text: string): string {
  return text.replace(/[_/]/g, "").toLowerCase();
}
