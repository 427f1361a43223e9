import { Lock } from "@weft/concurrent/threading";

export function doubleLocked(x: number): number {
  const lock = new Lock({ local: true });
  lock.acquireSync();
  lock.release();
  return x * 2;
}
