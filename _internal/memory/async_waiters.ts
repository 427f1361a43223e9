/**
 * The promises of one thread that wait at wait points of one memory.
 *
 * The thread listens to one word, its doorbell, however many promises there are. A notifier takes the thread's bit from
 * the wait point and rings the bell. The thread then first puts the bit back at each wait point where it was taken, and
 * only then tries the waiters there again. So a later change finds the bit and rings again.
 *
 * @module
 */

import { load, now } from "../atomics.ts";
import { atDeadline } from "../options.ts";
import { BELL_COUNT, BELL_STRIDE, BELLS_AT, NEXT_PARTICIPANT_AT } from "./memory.ts";
import { arm, isArmed, SLICE_MS, type WaitingThread } from "./wait_point.ts";

/** What a promise waits for. */
interface AsyncWait<T> {
  /** Tries to get it; `undefined`: not yet. `tries` is the number of attempts that were in vain. May throw. */
  attempt: (tries: number) => T | undefined;
  /** When to give up, on the clock of {@linkcode now}. */
  deadline: number;
  /** What the promise settles with then: a value, or an error that is thrown. */
  expired: () => T;
  /** All waiters at the point want the same: when an attempt fails, the waiters behind it need not be tried. */
  ordered?: boolean;
  /** When it is aborted, the promise rejects with its reason. */
  signal?: AbortSignal;
  /** Called when the wait is given up by deadline or signal, before the promise settles. */
  abandoned?: () => void;
  /** The place of the handle through which it waits. */
  place?: object;
}

interface Waiter {
  try(): boolean;
  expire(): void;
  fail(reason: unknown): void;
  /** Undoes what it has begun, as its thread ends. */
  abandon(): void;
  readonly ordered: boolean;
  readonly place: object | undefined;
}

/** All promises of this thread that wait in one memory. */
export class AsyncWaiters {
  readonly #space: WaitingThread;
  readonly #points: Map<number, Set<Waiter>> = new Map();
  #pending = 0;
  #stop: (() => void) | undefined;
  /** How many callers of {@linkcode AsyncWaiters.keepListening} want the thread to go on listening. */
  #keepers = 0;
  #slices: ReturnType<typeof setInterval> | undefined;
  #awake = false;

  constructor(space: WaitingThread) {
    this.#space = space;
  }

  /** Whether any promise waits. */
  get isBusy(): boolean {
    return this.#pending > 0;
  }

  /** Whether promises of this thread wait here already: a newcomer goes behind them. */
  isCrowded(point: number): boolean {
    return this.#pending > 0 && this.#points.has(point);
  }

  /**
   * Returns a promise for what `wait` describes. `points` are all wait points whose notification makes another attempt
   * worthwhile.
   */
  wait<T>(points: number | readonly number[], wait: AsyncWait<T>): Promise<T> {
    const { signal, attempt, deadline } = wait;
    if (signal?.aborted) {
      wait.abandoned?.();
      return Promise.reject(signal.reason);
    }
    return new Promise<T>((resolve, reject) => {
      const list = typeof points === "number" ? [points] : points;
      let tries = 0;
      let settled = false;
      let trying = false;
      /** Why the wait was given up during an attempt. */
      let failure: { readonly reason: unknown } | undefined;
      let callOff: (() => void) | undefined;
      const waiter: Waiter = {
        ordered: wait.ordered ?? false,
        place: wait.place,
        try: () => {
          if (settled) return true;
          // The attempt runs code of the program, which takes an item apart and may call the library meanwhile. This waiter has
          // its item: it must neither take another nor be given up.
          if (trying) return false;
          let result: T | undefined;
          trying = true;
          try {
            result = attempt(tries++);
          } catch (error) {
            leave();
            reject(error);
            return true;
          } finally {
            trying = false;
          }
          if (result === undefined) {
            if (failure === undefined) return false;
            waiter.fail(failure.reason);
            return true;
          }
          leave();
          resolve(result);
          return true;
        },
        fail: (reason) => {
          if (settled) return;
          if (trying) {
            failure ??= { reason };
            return;
          }
          leave();
          try {
            wait.abandoned?.();
          } finally {
            reject(reason);
          }
        },
        abandon: () => {
          if (settled) return;
          settled = true;
          wait.abandoned?.();
        },
        expire: () => {
          if (tryInTurn()) return;
          leave();
          try {
            wait.abandoned?.();
            resolve(wait.expired());
          } catch (error) {
            reject(error);
          }
        },
      };
      const onAbort = (): void => waiter.fail(signal!.reason);
      // The waiters in front want the same and are served first.
      const tryInTurn = (): boolean => {
        if (!waiter.ordered) return waiter.try();
        for (const point of list) tryAll(this.#points.get(point));
        return settled;
      };
      const leave = (): void => {
        settled = true;
        callOff?.();
        signal?.removeEventListener("abort", onAbort);
        for (const point of list) this.#remove(point, waiter);
      };
      for (const point of list) {
        if (!settled && this.#add(point, waiter)) tryAll(this.#points.get(point));
      }
      // The bits are there by now: this attempt sees every earlier change, and a later change rings the bell.
      if (settled || !waiter.ordered && waiter.try()) return;
      // The attempts of the waiters in front ran code of the program. A signal that is aborted already sends no event.
      if (signal?.aborted) {
        waiter.fail(signal.reason);
        return;
      }
      if (deadline <= now()) {
        waiter.expire();
        return;
      }
      signal?.addEventListener("abort", onAbort, { once: true });
      if (deadline !== Infinity) callOff = atDeadline(deadline, waiter.expire);
    });
  }

  /** Looks at all wait points in a microtask: this thread rang its own doorbell. */
  wake(): void {
    if (this.#awake || this.#pending === 0) return;
    this.#awake = true;
    queueMicrotask(() => {
      this.#awake = false;
      this.#look();
    });
  }

  /**
   * Tries all waiters in a microtask. While this thread was blocked it put bits of its doorbell back, so the bits no
   * longer show which wait points the bell rang for.
   */
  retry(): void {
    if (this.#pending > 0) queueMicrotask(() => this.#look(true));
  }

  /**
   * Rejects the promises that wait at points in `[from, to)` through the handle with this place; all of them if there is no
   * `place`. This thread then gives up what is there. It must not put the bit of its doorbell back later, since the memory
   * may belong to another object by then.
   */
  evict(from: number, to: number, place: object | undefined, reason: () => unknown): void {
    if (this.#pending === 0) return;
    for (const [point, waiters] of [...this.#points]) {
      if (point < from || point >= to) continue;
      for (const waiter of [...waiters]) if (place === undefined || waiter.place === place) waiter.fail(reason());
    }
  }

  /**
   * Forgets all promises that wait, and undoes what they have begun, such as bars. This thread ends, and then gives up the objects
   * that they wait at, and the messages that they have not put.
   */
  abandon(): void {
    const all = new Set<Waiter>();
    for (const waiters of this.#points.values()) for (const waiter of waiters) all.add(waiter);
    this.#points.clear();
    for (const waiter of all) waiter.abandon();
    this.#pending = 0;
    // Only if there is an interval: on Deno the first call in a thread loads node's timers, which takes milliseconds.
    if (this.#slices !== undefined) clearInterval(this.#slices);
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Adds a waiter. `true`: all waiters at the point must be tried now. */
  #add(point: number, waiter: Waiter): boolean {
    let waiters = this.#points.get(point);
    const first = waiters === undefined;
    if (waiters === undefined) this.#points.set(point, waiters = new Set());
    waiters.add(waiter);
    if (this.#pending++ === 0) this.#start();
    // If the bit was taken, the bell has rung for the waiters before. This call puts the bit back, so the look that
    // follows the ring would skip them.
    return arm(this.#space, point) || first;
  }

  #remove(point: number, waiter: Waiter): void {
    const waiters = this.#points.get(point);
    if (waiters === undefined || !waiters.delete(waiter)) return;
    if (waiters.size === 0) this.#points.delete(point);
    if (--this.#pending === 0) this.#end();
  }

  /**
   * Goes on listening while no promise waits, until the returned function is called. Ending this stops the event loop
   * for a moment, which a thread that waits again and again would pay for each time.
   */
  keepListening(): () => void {
    this.#keepers++;
    this.#listen();
    let isKept = true;
    return () => {
      if (!isKept) return;
      isKept = false;
      this.#keepers--;
      if (this.#pending === 0) this.#stopUnlessKept();
    };
  }

  #listen(): void {
    this.#stop ??= this.#space.memory.listen(BELLS_AT + this.#space.bell * BELL_STRIDE, () => this.#look());
  }

  #stopUnlessKept(): void {
    if (this.#keepers > 0) return;
    this.#stop?.();
    this.#stop = undefined;
  }

  #start(): void {
    // The interval has two jobs. It keeps the program alive, and it finds the deaths of holders, for which no bell
    // rings.
    this.#slices = setInterval(() => this.#look(true), SLICE_MS);
    this.#listen();
  }

  #end(): void {
    clearInterval(this.#slices);
    // Listening ends in a microtask: a thread that has waited will probably wait again, and going on costs less than
    // starting again.
    queueMicrotask(() => {
      if (this.#pending === 0) this.#stopUnlessKept();
    });
  }

  #isBellShared(): boolean {
    return load(this.#space.words, NEXT_PARTICIPANT_AT) > BELL_COUNT;
  }

  #look(all = false): void {
    if (this.#space.isKilled()) this.#space.exit();
    for (const [point, waiters] of this.#points) {
      if (isArmed(this.#space, point)) {
        // The bit is there, so usually nothing has changed. But another thread with the same bell may have put it back
        // first.
        if (!all && !this.#isBellShared()) continue;
      } else {
        arm(this.#space, point);
      }
      tryAll(waiters);
    }
  }
}

function tryAll(waiters: Iterable<Waiter> = []): void {
  let failed = false;
  for (const waiter of waiters) {
    if (!(failed && waiter.ordered)) failed = !waiter.try() && waiter.ordered;
  }
}
