/**
 * Whether a worker of a browser still runs code. No event of a browser tells, and a worker that was terminated may run on for
 * seconds. But a browser frees the Web Locks of a worker when its code has stopped. So each worker holds a lock while it lives,
 * under a number of its own, and other threads wait for that lock.
 *
 * A worker has the lock before it touches any shared memory. If another thread has the lock first, because the worker was
 * terminated while it loaded, the worker does nothing at all.
 *
 * @module
 */

import { load } from "../atomics.ts";

/** The part of `navigator.locks` that is used. */
interface LockManager {
  request(name: string, options: { mode: "shared" | "exclusive" }, run: () => Promise<void>): Promise<void>;
}

/** How many milliseconds a thread keeps the lock of a worker that is gone, so that a worker that still loads does not get it. */
const KEPT = 60_000;

const locks: LockManager | undefined = (globalThis.navigator as { readonly locks?: LockManager } | undefined)?.locks;

/** The name that a worker gets from its starter: what all workers of a page have in common, and its number. */
const [, family, ownNumber] = /^(weft [\w-]+) (\d+)$/.exec((globalThis as { name?: unknown }).name as string ?? "") ??
  [];
let root: string | undefined = family;
let last = 0;

function nameOf(id: number): string {
  return `${root ??= `weft ${crypto.randomUUID()}`} ${id}`;
}

/** The name for a worker that is started now. */
export function nextWorkerName(): string {
  last = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1 || 1;
  return nameOf(last);
}

/** The number of the worker that was named last; 0 if its life cannot be watched. */
export function lastWorkerId(): number {
  return locks === undefined ? 0 : last;
}

/** Whether this is a worker that the library started. */
export const isOwnWorker: boolean = ownNumber !== undefined;

/** In a worker: resolves when this worker has the lock that tells that it lives. */
export function beginLife(): Promise<void> {
  if (locks === undefined || ownNumber === undefined) return Promise.resolve();
  return new Promise((resolve) => {
    void locks.request(nameOf(Number(ownNumber)), { mode: "exclusive" }, () => {
      resolve();
      return new Promise(() => {});
    });
  });
}

/** What this thread knows of the life of a worker. */
interface Life {
  over: boolean;
  readonly listeners: (() => void)[];
}

const lives: Map<number, Life> = new Map();
/** Words that become 1 when a worker runs no more code. A blocked thread can read them. */
const words: Map<number, Int32Array> = new Map();

/** Sets the word that tells of the end of the worker with this number. */
export function setLifeWord(id: number, word: Int32Array): void {
  words.set(id, word);
}

/** Forgets that word after a while. The worker is gone. */
export function forgetLife(id: number): void {
  setTimeout(() => words.delete(id), KEPT);
}

/** Calls `gone` when the worker with this number runs no more code. Only for workers that have begun or were terminated. */
export function whenLifeEnds(id: number, gone: () => void): void {
  const life = watch(id);
  if (life === undefined) return;
  if (life.over) gone();
  else life.listeners.push(gone);
}

/** Whether the worker with this number is known to run no more code; `undefined` if that cannot be known. */
export function isLifeOver(id: number): boolean | undefined {
  const word = words.get(id);
  if (word !== undefined && load(word, 0) !== 0) return true;
  return watch(id)?.over;
}

function watch(id: number): Life | undefined {
  if (locks === undefined || id === 0) return undefined;
  let life = lives.get(id);
  if (life === undefined) {
    const watched: Life = life = { over: false, listeners: [] };
    lives.set(id, life);
    void locks.request(nameOf(id), { mode: "shared" }, () => {
      watched.over = true;
      for (const gone of watched.listeners.splice(0)) gone();
      return new Promise((resolve) =>
        void setTimeout(() => {
          lives.delete(id);
          resolve();
        }, KEPT)
      );
    });
  }
  return life;
}
