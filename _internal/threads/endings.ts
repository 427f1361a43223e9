/**
 * What else has to be over before a thread's worker goes, beside the threads that it started.
 *
 * @module
 */

import type { Space } from "../memory/space.ts";

const endings: (() => void)[] = [];

/** Has `wait`, which blocks, called in a thread whose target has returned. */
export function onEnding(wait: () => void): void {
  endings.push(wait);
}

/** Waits for all of that. */
export function waitForEndings(): void {
  for (const wait of endings) wait();
}

/** What a thread that ends has to know of the threads that it started. */
export interface Offspring {
  /** The records of those that are not gone. */
  records(): number[];
  /** Sees to those that were told to end. */
  attend(): void;
  /** Whether a thread that is no daemon runs below this one. */
  hasOthersBelow(space: Space, record: number): boolean;
  /** Whether this one has not returned yet. */
  isBusy(space: Space, record: number): boolean;
  terminate(space: Space, record: number): void;
  /** Gives up what the table has of them. */
  forget(space: Space): void;
}

let offspring: Offspring | undefined;

/** Says who knows of them. */
export function setOffspring(known: Offspring): void {
  offspring = known;
}

/** Who knows of them; `undefined`: this thread has not even loaded what starts threads. */
export function ownOffspring(): Offspring | undefined {
  return offspring;
}
