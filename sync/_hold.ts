/**
 * What a `Condition` asks of its lock.
 *
 * @module
 */

/** One lock, from the side of a condition. */
export interface Hold {
  /** Where the lock's wait point is. */
  readonly point: number;
  /** Whether the caller holds it, as far as that can be told. */
  isHeld(): boolean;
  /** Releases it, however often it was acquired, and returns what {@linkcode Hold.tryRetake} needs. */
  giveUp(): unknown;
  /** Tries to be where {@linkcode Hold.giveUp} began. `woken` is what `block` gives an attempt. */
  tryRetake(held: unknown, woken: number): true | undefined;
}
