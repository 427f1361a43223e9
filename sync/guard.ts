/**
 * What an acquisition comes to: the guard that its caller gets, and the lock as a condition sees it.
 *
 * @module
 */

/**
 * One acquisition of a lock, of one side of an `RWLock`, or of one permit of a semaphore.
 *
 * Disposing of it gives the acquisition back, once: it is spent by its first disposal, by `release()` of the same
 * acquisition from anywhere, or when what it stands for passed to another because this thread was taken for dead. Disposing
 * of a spent guard does nothing, ever. (A semaphore's `release()` is not tied to an acquisition and leaves all guards valid.)
 * Guards belong to the thread that acquired and cannot be sent to another (`DataCloneError`).
 *
 * @example
 * ```ts
 * import { Lock } from "@weft/concurrent/sync";
 *
 * const lock = new Lock();
 * {
 *   using guard = lock.acquireSync();
 *   console.log(guard.abandoned); // false: no thread died holding it
 * }
 * console.log(lock.locked); // false
 * ```
 */
export interface Guard extends Disposable {
  /**
   * Whether the previous holder ended (returned, was killed, crashed) while it held the lock: what the lock protects may
   * be half changed. After the wait of a condition it also tells that of the holder from which the lock came back. Permits of
   * a semaphore have no holder: always `false`.
   */
  readonly abandoned: boolean;
}

/** Why a guard does not cross to another thread. */
export const WHY_NOT = "a guard stands for an acquisition of this thread: send the lock";

/** What a `Condition` asks of its lock. */
export interface Hold {
  /** Where the lock's wait point is. */
  readonly point: number;
  /** Whether the caller holds it, as far as that can be told. */
  isHeld(): boolean;
  /** Releases it, however often it was acquired, and returns what {@linkcode Hold.tryRetake} needs. */
  giveUp(): unknown;
  /** Tries to be where {@linkcode Hold.giveUp} began. `woken` is what `Wait.attempt` gets. */
  tryRetake(held: unknown, woken: number): true | undefined;
}
