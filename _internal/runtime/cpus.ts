/**
 * How many processors there are.
 *
 * @module
 */

/** Logical processors that this program may use; 1 where the runtime does not tell. */
export function cpuCount(): number {
  return globalThis.navigator?.hardwareConcurrency || 1;
}
