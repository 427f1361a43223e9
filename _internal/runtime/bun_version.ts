/**
 * Whether this is a Bun that still does something of which the library must know.
 *
 * @module
 */

/** Whether this is Bun, and older than that version. */
export function isBunBefore(major: number, minor: number, patch: number): boolean {
  const { Bun } = globalThis as { Bun?: { version: string } };
  if (Bun === undefined) return false;
  const [itsMajor, itsMinor, itsPatch] = Bun.version.split(/[.+-]/).map(Number);
  return (itsMajor - major || itsMinor - minor || itsPatch - patch) < 0;
}
