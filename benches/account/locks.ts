/** Locks that no other thread wants. */

import { Lock, RLock, RWLock, Semaphore } from "@weft/concurrent/sync";
import type { Work } from "../lib/play.ts";

/** The works. */
export function lockWorks(): Record<string, Work> {
  const lock = new Lock();
  const rlock = new RLock();
  const semaphore = new Semaphore(1);
  const rwlock = new RWLock();
  return {
    "Lock: acquireSync + release": (n) => {
      for (let i = 0; i < n; i++) {
        lock.acquireSync();
        lock.release();
      }
    },
    "Lock: acquireSync + dispose of the guard": (n) => {
      for (let i = 0; i < n; i++) lock.acquireSync()[Symbol.dispose]();
    },
    "RLock: acquireSync + release": (n) => {
      for (let i = 0; i < n; i++) {
        rlock.acquireSync();
        rlock.release();
      }
    },
    "Semaphore: acquireSync + release": (n) => {
      for (let i = 0; i < n; i++) {
        semaphore.acquireSync();
        semaphore.release();
      }
    },
    "RWLock: readSync + dispose of the guard": (n) => {
      for (let i = 0; i < n; i++) rwlock.readSync()[Symbol.dispose]();
    },
    "RWLock: writeSync + dispose of the guard": (n) => {
      for (let i = 0; i < n; i++) rwlock.writeSync()[Symbol.dispose]();
    },
    "Lock: await acquire + dispose of the guard": async (n) => {
      for (let i = 0; i < n; i++) (await lock.acquire())[Symbol.dispose]();
    },
  };
}
