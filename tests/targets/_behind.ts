/** Is imported by nobody who hands its function over. */

export function strip(text: string): string {
  return text.replace(/[_/]/g, "").toLowerCase();
}
