/** Threads that hold a lock and do not stop by themselves, and threads that ask them to. */

import {
  currentThread,
  Event,
  Lock,
  type Queue,
  type RWLock,
  type Semaphore,
  sleepSync,
  Thread,
  type Value,
} from "@weft/concurrent/threading";

/** What can be held: every lock, of threads and of processes. */
export interface Holdable {
  acquireSync(): Disposable;
}

const isDeno = "Deno" in globalThis;

/** Code that is stopped from outside where the runtime can, and calls the library now and then where it cannot. */
function runOn(): never {
  const other = new Lock();
  for (;;) {
    if (isDeno) other.acquireSync()[Symbol.dispose]();
  }
}

export function holdAndRunOn(lock: Holdable, held: Event): void {
  lock.acquireSync();
  held.set();
  runOn();
}

/** Attempts that fail or time out at once, one after the other. They never sleep. */
export const FAILING: Record<
  string,
  (lock: Lock, read: RWLock, semaphore: Semaphore, empty: Queue<number>) => unknown
> = {
  "Lock.tryAcquire": (lock) => lock.tryAcquire(),
  "Lock.acquireSync({ timeout: 0 })": (lock) => lock.acquireSync({ timeout: 0 }),
  "Lock.acquireSync({ timeout: 0.001 })": (lock) => lock.acquireSync({ timeout: 0.001 }),
  "RWLock.tryWrite": (_lock, read) => read.tryWrite(),
  "RWLock.writeSync({ timeout: 0 })": (_lock, read) => read.writeSync({ timeout: 0 }),
  "Semaphore.tryAcquire": (_lock, _read, semaphore) => semaphore.tryAcquire(),
  "Semaphore.acquireSync({ timeout: 0 })": (_lock, _read, semaphore) => semaphore.acquireSync({ timeout: 0 }),
  "Queue.tryGet": (_lock, _read, _semaphore, empty) => empty.tryGet(),
  "Queue.getSync({ timeout: 0 })": (_lock, _read, _semaphore, empty) => empty.getSync({ timeout: 0 }),
  "Queue.tryGetMany": (_lock, _read, _semaphore, empty) => empty.tryGetMany(2),
  "Queue.joinSync({ timeout: 0 })": (_lock, _read, _semaphore, empty) => empty.joinSync({ timeout: 0 }),
};

export function failOn(
  name: string,
  lock: Lock,
  read: RWLock,
  semaphore: Semaphore,
  empty: Queue<number>,
  begun: Event,
): never {
  const attempt = FAILING[name];
  for (let i = 0;; i++) {
    // Only when the engine has compiled the loop.
    if (i === 20_000) begun.set();
    try {
      attempt(lock, read, semaphore, empty);
    } catch {
      // It has failed, as it should.
    }
  }
}

export function takePermits(semaphore: Semaphore, begun: Event): never {
  for (let i = 0;; i++) {
    semaphore.acquireSync()[Symbol.dispose]();
    if (i === 1000) begun.set();
  }
}

export function tell(thread: Thread): void {
  thread.terminate();
}

export function tellFromBelow(handles: Queue<Thread>): void {
  handles.getSync().terminate();
}

/** Starts a thread that asks its starter to end. */
export function holdAndRunOnAboveOneThatTells(lock: Lock, held: Event, handles: Queue<Thread>): void {
  lock.acquireSync();
  new Thread({ target: tellFromBelow, args: [handles] }).start();
  held.set();
  runOn();
}

export function tellItself(counter: Value<"i32">): void {
  try {
    currentThread().terminate();
    counter.add(1);
  } finally {
    counter.add(10);
  }
}

/** Starts a thread that holds the lock and runs on, and then waits in some way. */
export async function waitAbove(lock: Lock, held: Event, handles: Queue<Thread>, how: string): Promise<void> {
  handles.putSync(new Thread({ target: holdAndRunOn, args: [lock, held] }).start());
  switch (how) {
    case "its event loop":
      return await new Promise<void>((resolve) => setTimeout(resolve, 60_000));
    case "a wait":
      return void new Event().waitSync();
    case "code that runs":
      return runOn();
  }
}

/** Takes the lock when it can be had. */
export function take(lock: Holdable): void {
  lock.acquireSync()[Symbol.dispose]();
}

/** Gives the queue something all the time. */
export function giveOften(queue: Queue<number>, stop: Event): void {
  while (!stop.isSet) {
    queue.putSync(1);
    sleepSync(1);
  }
}
