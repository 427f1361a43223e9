/**
 * Counts workers that end before they have begun with anything, so that a pool does not start them for ever.
 *
 * The workers of a round start side by side and may all end of the same cause, which need not be there a moment later. So
 * of those that had been started by the time of a failure only that failure counts. And while one of these may yet begin,
 * those that were started after it do not count either: workers that a system kills one after the other say nothing about it.
 *
 * @module
 */

/** So many rounds in a row may fail. */
export const TRIES = 3;

/** Failed starts in a row: of each function that a worker wanted to begin with, and under 0 of those without any. */
export class FailedStarts {
  readonly #rounds: Map<number, { failed: number; newest: number }> = new Map();

  /**
   * Notes that a worker has ended.
   *
   * @param newest The number of the worker that was started last.
   * @param mayBegin Whether a worker up to this number is still on its way to its first unit.
   * @returns Whether that was the last try. The next one is the last again, until something succeeds.
   */
  note(fn: number, worker: number, newest: number, mayBegin: (upTo: number) => boolean): boolean {
    const round = this.#rounds.get(fn);
    if (round === undefined) {
      this.#rounds.set(fn, { failed: 1, newest });
      return false;
    }
    if (worker <= round.newest || mayBegin(round.newest)) return false;
    round.newest = newest;
    round.failed = Math.min(round.failed + 1, TRIES);
    return round.failed === TRIES;
  }

  /** Notes that a worker has begun with a unit of the function. */
  succeed(fn: number): void {
    if (this.#rounds.size === 0) return;
    this.#rounds.delete(fn);
    this.#rounds.delete(0);
  }
}
