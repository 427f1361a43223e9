/**
 * Waiting for the first of several things to be ready.
 *
 * @module
 */

import { now } from "../_internal/atomics.ts";
import { locate, SharedHandle, whyUnusable } from "../_internal/memory/shared_object.ts";
import type { Space } from "../_internal/memory/space.ts";
import { blockAtMany } from "../_internal/memory/wait.ts";
import { deadlineOf, show, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import { type LocalReadiness, READINESS, type Readiness, readinessAt, type Ready } from "../_internal/memory/kinds.ts";
import { DeadlockError, InvalidStateError } from "../_internal/errors.ts";
import type { Event } from "./event.ts";
import type { Latch } from "./latch.ts";
import type { Lock } from "./lock.ts";
import type { Queue } from "./queue.ts";
import type { RLock } from "./rlock.ts";
import type { Semaphore } from "./semaphore.ts";
import { sleep, sleepSync } from "./sleep.ts";

/** A thread or a process, as far as {@linkcode waitAny} asks. */
export interface WaitableThread {
  /** Whether it has been started and has not ended. */
  readonly isAlive: boolean;
  /** Waits for its end. */
  join(options?: WaitOptions): Promise<boolean>;
}

/** The future result of a pool's task, as far as {@linkcode waitAny} asks. */
export interface WaitableFuture {
  /** Where it is in its life. */
  readonly state: string;
  /** Takes the task back. */
  cancel(): boolean;
}

/** An end of a pipe, as far as {@linkcode waitAny} asks. */
export interface WaitableConnection {
  /** Waits for a message. */
  poll(options?: WaitOptions): Promise<boolean>;
}

/** What {@linkcode waitAny} waits for. */
export type Waitable =
  | Lock
  | RLock
  | Semaphore
  | Event
  | Latch
  | Queue
  | WaitableThread
  | WaitableFuture
  | WaitableConnection;

const ACTION = "wait for any";

/**
 * Waits until one of several things is ready, without blocking the event loop, and takes nothing.
 *
 * Ready is a `Lock` or `RLock` that could be acquired, a `Semaphore` with a permit, an `Event` that is set, a `Latch` at zero,
 * a `Queue` from which `get` would not wait (shut down and empty, too: `get` then throws), a `Connection` from which `recv`
 * would not wait, a `Thread` or `Process` that has ended, and a `Future` that is settled. By the time the caller takes it,
 * another thread may have been quicker: use the `try` forms and wait again.
 *
 * Things of threads and of processes may be mixed. That the holder of a lock died is noticed within a quarter of a second.
 *
 * Python: `multiprocessing.connection.wait`, for more than connections.
 *
 * @param things What to wait for: at least one thing.
 * @param options `timeout` in milliseconds, and `signal`.
 * @returns The lowest index of a thing that is ready, or `undefined` if `timeout` passed first.
 * @throws {TypeError} If one of the things is nothing that can be waited for.
 * @throws {RangeError} If there are none.
 * @throws {InvalidStateError} If one of the things was disposed of.
 * @throws The signal's reason, if it is aborted first.
 *
 * @example
 * ```ts
 * import { Event, Queue, waitAny } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const stop = new Event();
 * const jobs = new Queue<string>();
 * jobs.putSync("job");
 * assertEquals(await waitAny([stop, jobs]), 1);
 * assertEquals(jobs.tryGet(), "job");
 * assertEquals(await waitAny([stop, jobs], { timeout: 10 }), undefined);
 * ```
 */
export async function waitAny(things: readonly Waitable[], options?: WaitOptions): Promise<number | undefined> {
  const timeout = validateWait(options, ACTION);
  const { all, spaces } = examine(things);
  const signal = options?.signal;
  signal?.throwIfAborted();
  const ready = firstReady(all);
  if (ready !== undefined || timeout === 0) return ready;
  const deadline = deadlineOf(timeout);
  // The first to be ready settles it, and the others are called off by this.
  const over = new AbortController();
  const callOff: (() => void)[] = [];
  try {
    return await new Promise<number | undefined>((resolve, reject) => {
      for (const [space, points] of spaces) {
        space.async.wait<{ index: number | undefined }>(points, {
          attempt: () => {
            const index = firstReady(all);
            return index === undefined ? undefined : { index };
          },
          deadline,
          expired: () => ({ index: undefined }),
          signal: over.signal,
        }).then(({ index }) => resolve(index), reject);
      }
      for (const { readiness } of all) {
        if ("whenReady" in readiness) callOff.push(readiness.whenReady(() => resolve(firstReady(all))));
      }
      if (spaces.size === 0) {
        // Futures alone: nothing else looks at the clock, or keeps the program alive.
        sleep(Math.max(0, deadline - now()), { signal: over.signal }).then(() => resolve(firstReady(all)), () => {});
      }
      if (signal !== undefined) {
        const onAbort = (): void => reject(signal.reason);
        signal.addEventListener("abort", onAbort, { once: true });
        callOff.push(() => signal.removeEventListener("abort", onAbort));
      }
    });
  } finally {
    for (const call of callOff) call();
    over.abort();
  }
}

/**
 * Blocks this thread until one of several things is ready, and takes nothing. See {@linkcode waitAny}.
 *
 * A `Future` of this thread cannot become ready meanwhile: it counts only if it is settled at the call. Where there are things
 * of threads and of processes, one of the two memories is looked at every 5 ms.
 *
 * @param things What to wait for: at least one thing.
 * @param options `timeout` in milliseconds.
 * @returns The lowest index of a thing that is ready, or `undefined` if `timeout` passed first.
 * @throws {TypeError} If one of the things is nothing that can be waited for.
 * @throws {RangeError} If there are none.
 * @throws {InvalidStateError} If one of the things was disposed of.
 *
 * @example
 * ```ts
 * import { Event, Lock, waitAnySync } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(waitAnySync([new Event(), new Lock()]), 1);
 * ```
 */
export function waitAnySync(things: readonly Waitable[], options?: WaitSyncOptions): number | undefined {
  const timeout = validateWait(options, ACTION);
  const { all, spaces } = examine(things);
  const deadline = deadlineOf(timeout);
  const ready = firstReady(all);
  if (ready !== undefined || deadline <= now()) return ready;
  if (spaces.size > 0) return blockAtMany(spaces, () => firstReady(all), deadline);
  if (deadline === Infinity) {
    throw new DeadlockError(
      "Cannot wait for any as these are futures of this thread, which cannot be settled while it is blocked: await waitAny()",
    );
  }
  sleepSync(Math.max(0, deadline - now()));
  return undefined;
}

interface Examined {
  readonly thing: object;
  readonly readiness: Readiness | LocalReadiness;
}

// The things themselves stay in the list, so that none is collected, and its memory used again, while it is waited for.
function examine(things: unknown): { all: Examined[]; spaces: Map<Space, number[]> } {
  if (!Array.isArray(things)) {
    throw new TypeError(`Cannot ${ACTION} as the things to wait for must be in an array: received ${show(things)}`);
  }
  if (things.length === 0) throw new RangeError(`Cannot ${ACTION} as there must be at least one thing to wait for`);
  const spaces = new Map<Space, number[]>();
  const all = things.map((thing, index) => {
    const readiness = readinessOf(thing, index);
    if ("points" in readiness) {
      const points = spaces.get(readiness.space);
      if (points === undefined) spaces.set(readiness.space, [...readiness.points]);
      else points.push(...readiness.points);
    }
    return { thing, readiness };
  });
  return { all, spaces };
}

function readinessOf(thing: unknown, index: number): Readiness | LocalReadiness {
  if (typeof thing === "object" && thing !== null) {
    if (READINESS in thing) {
      const readiness = (thing as Ready)[READINESS]();
      if (readiness !== undefined) return readiness;
      unusable(index);
    }
    if (thing instanceof SharedHandle) {
      const located = locate(thing);
      if (located === undefined) unusable(index, whyUnusable(thing));
      const readiness = readinessAt(located.space, located.at);
      if (readiness !== undefined) return readiness;
    }
  }
  throw new TypeError(
    `Cannot ${ACTION} as things[${index}] must be a lock, semaphore, event, latch, queue, connection, thread, process or future: received ${
      typeof thing === "object" && thing !== null ? thing.constructor?.name ?? "an object" : show(thing)
    }`,
  );
}

function unusable(index: number, why = "it was closed"): never {
  throw new InvalidStateError(`Cannot ${ACTION} as things[${index}] cannot be used: ${why}`);
}

function firstReady(all: readonly Examined[]): number | undefined {
  for (let index = 0; index < all.length; index++) {
    const { thing, readiness } = all[index];
    // Where it was disposed of meanwhile, its place may be another object's by now.
    if (thing instanceof SharedHandle && locate(thing) === undefined) unusable(index, whyUnusable(thing));
    if (readiness.isReady()) return index;
  }
  return undefined;
}
