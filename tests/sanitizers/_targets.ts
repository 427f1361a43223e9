/** Functions that the programs of these tests run elsewhere. */

import type { Event, Lock } from "@weft/concurrent/sync";

export function half(x: number): number {
  return x / 2;
}

export function hold(lock: Lock, held: Event, go: Event): void {
  using _guard = lock.acquireSync();
  held.set();
  go.waitSync();
}

export function setIt(event: Event): void {
  event.set();
}

export function waitFor(event: Event): void {
  event.waitSync();
}
