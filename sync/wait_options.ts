/**
 * The options of everything that waits.
 *
 * @module
 */

/** Options of operations that block the calling thread. */
export interface WaitSyncOptions {
  /**
   * Milliseconds to wait at most. Absent or `Infinity`: for ever; `0`: do not wait. Negative or NaN: `RangeError`.
   */
  timeout?: number;
}

/** Options of operations that return a promise. */
export interface WaitOptions extends WaitSyncOptions {
  /**
   * Gives the wait up: the promise rejects with the signal's reason. A signal that is aborted already rejects even where
   * the operation could succeed.
   */
  signal?: AbortSignal;
}
