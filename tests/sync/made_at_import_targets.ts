// What a module makes at its top level is made again in each thread that imports it.

import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from "@weft/concurrent/sync";
import { Thread } from "@weft/concurrent/threading";

const lock = new Lock();
const rlock = new RLock();
const semaphore = new Semaphore(0);
const bounded = new BoundedSemaphore(1);
const event = new Event();
const overLock = new Condition(lock);
const condition = new Condition();
const barrier = new Barrier(1, { action: () => {} });
const thread = new Thread();

const own = new Condition(new Lock({ local: true }), { local: true });
const named = new Condition(undefined, { name: "made at import" });

/** Uses each, and tells what became of it. */
export function use(): string[] {
  const uses: [string, () => unknown][] = [
    ["Lock", () => lock.acquireSync()],
    ["RLock", () => rlock.acquireSync()],
    ["Semaphore", () => semaphore.release()],
    ["BoundedSemaphore", () => bounded.acquireSync()],
    ["Event", () => event.set()],
    ["Condition over a lock", () => overLock.tryAcquire()],
    ["Condition", () => condition.acquireSync()],
    ["Barrier", () => barrier.waitSync()],
    ["Thread, its name", () => thread.name],
    ["Thread, daemon", () => thread.daemon],
    ["Thread, isAlive", () => thread.isAlive],
    ["Thread, its ident", () => thread.ident],
    ["Thread, its end", () => thread.terminate()],
    ["Condition of its own", () => own.acquireSync()],
    ["Condition with a name", () => named.acquireSync({ timeout: 0 })],
  ];
  return uses.map(([name, action]) => {
    try {
      action();
      return `${name}: used`;
    } catch (error) {
      const { name: problem, message } = error as Error;
      return `${name}: ${problem}${
        /created again when file:\/\/\/.* was imported by .*: pass it in args, or give it a name/.test(message)
          ? ", created again"
          : ""
      }`;
    }
  });
}

/** Holds the named one meanwhile, so that it can be seen whether it is the same one. */
export function holdNamed(): Disposable {
  return named.acquireSync();
}
