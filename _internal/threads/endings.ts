/**
 * What else has to be over before a thread's worker goes, beside the threads that it started.
 *
 * @module
 */

const endings: (() => void)[] = [];

/** Has `wait`, which blocks, called in a thread whose target has returned. */
export function onEnding(wait: () => void): void {
  endings.push(wait);
}

/** Waits for all of that. */
export function waitForEndings(): void {
  for (const wait of endings) wait();
}
