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

/** What {@linkcode waitAny} needs of a `Thread` or a `Process`, to wait for its end. */
export interface WaitableThread {
  /** Whether the thread or process has been started and has not ended. */
  readonly isAlive: boolean;
  /**
   * Waits for the end of the thread or process.
   *
   * @param options `timeout` in milliseconds, and `signal`.
   * @returns `true` once it has ended, `false` if `timeout` passed first.
   * @throws The signal's reason, if it is aborted first.
   */
  join(options?: WaitOptions): Promise<boolean>;
}

/** A `Future`, described by members that other objects lack. {@linkcode waitAny} waits until it is settled. */
export interface WaitableFuture {
  /** The state of the task: `"pending"`, for example. */
  readonly state: string;
  /**
   * Cancels the task if no worker has begun it.
   *
   * @returns Whether the task was cancelled.
   */
  cancel(): boolean;
}

/** A `Connection`, described by a member that other objects lack. {@linkcode waitAny} waits until it can receive. */
export interface WaitableConnection {
  /**
   * Waits until a message can be received.
   *
   * @param options `timeout` in milliseconds, and `signal`.
   * @returns `true` once a message can be received, `false` if `timeout` passed first.
   * @throws The signal's reason, if it is aborted first.
   */
  poll(options?: WaitOptions): Promise<boolean>;
}

/** An object that {@linkcode waitAny} can wait for. */
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
 * Waits until one of several things is ready, without blocking the event loop. It acquires and takes nothing.
 *
 * | thing               | is ready when                                                              |
 * | ------------------- | -------------------------------------------------------------------------- |
 * | `Lock` `RLock`      | this thread could acquire it without waiting                               |
 * | `Semaphore`         | a permit is available                                                      |
 * | `Event`             | it is set, or was set since the call                                       |
 * | `Latch`             | its count is zero                                                          |
 * | `Queue`             | `get` would not wait: it has an item, or is shut down and `get` throws     |
 * | `Connection`        | `recv` would not wait: it has a message, or the other end is closed        |
 * | `Thread` `Process`  | it has ended                                                               |
 * | `Future`            | it is settled                                                              |
 *
 * Another thread may take the item or acquire the lock before the caller does: use the `try` forms, and wait again if they
 * fail. Objects of `sync` and of `multiprocessing` may be mixed. If the holder of a lock dies, the wait notices within a
 * quarter of a second.
 *
 * Python: `multiprocessing.connection.wait`, which waits for connections and processes only.
 *
 * @param things What to wait for: an array of at least one thing.
 * @param options `timeout` in milliseconds, and `signal`.
 * @returns The lowest index of a thing that is ready, or `undefined` if `timeout` passed first.
 * @throws {TypeError} If `things` is not an array, or a thing is not one of those in the table.
 * @throws {RangeError} If `things` is empty.
 * @throws {InvalidStateError} If a thing was disposed of, before or during the wait.
 * @throws The signal's reason, if it is aborted first.
 *
 * @example Wait for a job or the end
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
  // The first thing that is ready settles the promise. Aborting this controller then ends the other waits.
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
        // Only futures: without this timer, nothing would end the wait at the deadline or keep the program alive.
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
 * Blocks this thread until one of several things is ready. It acquires and takes nothing. See {@linkcode waitAny}.
 *
 * A `Future` belongs to this thread and cannot become ready while the thread is blocked: it counts only if it is settled at
 * the call. With objects of both `sync` and `multiprocessing`, the thread sleeps in one of the two memories and looks at the
 * other every 5 milliseconds.
 *
 * Python: `multiprocessing.connection.wait`, which waits for connections and processes only.
 *
 * @param things What to wait for: an array of at least one thing.
 * @param options `timeout` in milliseconds.
 * @returns The lowest index of a thing that is ready, or `undefined` if `timeout` passed first.
 * @throws {TypeError} If `things` is not an array, or a thing is not one of those that {@linkcode waitAny} lists.
 * @throws {RangeError} If `things` is empty.
 * @throws {InvalidStateError} If a thing was disposed of, before or during the wait.
 * @throws {DeadlockError} If all things are futures that are not settled, and there is no `timeout`.
 *
 * @example Which of two is ready
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

// The list keeps the things themselves: an object that was garbage-collected during the wait would leave its memory to another
// object.
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
    // If the thing was disposed of during the wait, its memory may belong to another object.
    if (thing instanceof SharedHandle && locate(thing) === undefined) unusable(index, whyUnusable(thing));
    if (readiness.isReady()) return index;
  }
  return undefined;
}
