/**
 * The promises of one thread that wait at wait points of one memory.
 *
 * However many there are, the thread listens to one word, its doorbell. When that rings, each wait point whose bit was
 * taken gets the bit back, and only then are its waiters tried again: what changes later rings again.
 *
 * @module
 */

import { load, now } from "../atomics.ts";
import { atDeadline } from "../options.ts";
import { BELL_COUNT, BELL_STRIDE, BELLS_AT, NEXT_PARTICIPANT_AT } from "./memory.ts";
import { arm, isArmed, SLICE_MS, type WaitingThread } from "./wait_point.ts";

/** What a promise waits for. */
interface AsyncWait<T> {
  /** Tries to get it; `undefined`: not yet. Gets the number of times it was tried in vain. May throw. */
  attempt: (tries: number) => T | undefined;
  /** When to give up, on the clock of {@linkcode now}. */
  deadline: number;
  /** What the promise becomes then: a value, or an error that is thrown. */
  expired: () => T;
  /** All waiters here want the same: when an attempt fails, those of the waiters behind it need not be made. */
  ordered?: boolean;
  /** Gives up with the signal's reason. */
  signal?: AbortSignal;
  /** Called when the wait was given up (by deadline or signal), before the promise is settled. */
  abandoned?: () => void;
}

interface Waiter {
  try(): boolean;
  expire(): void;
  fail(reason: unknown): void;
  readonly ordered: boolean;
}

/** All promises of this thread that wait in one memory. */
export class AsyncWaiters {
  readonly #space: WaitingThread;
  readonly #points: Map<number, Set<Waiter>> = new Map();
  #pending = 0;
  #stop: (() => void) | undefined;
  /** How many have asked to go on listening. */
  #keepers = 0;
  #slices: ReturnType<typeof setInterval> | undefined;
  #awake = false;

  constructor(space: WaitingThread) {
    this.#space = space;
  }

  /** Whether promises of this thread wait here already: a newcomer goes behind them. */
  isCrowded(point: number): boolean {
    return this.#points.has(point);
  }

  /** A promise for what `wait` describes; `points` are all wait points whose notification is worth a try. */
  wait<T>(points: number | readonly number[], wait: AsyncWait<T>): Promise<T> {
    const { signal, attempt, deadline } = wait;
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise<T>((resolve, reject) => {
      const list = typeof points === "number" ? [points] : points;
      let tries = 0;
      let settled = false;
      let callOff: (() => void) | undefined;
      const waiter: Waiter = {
        ordered: wait.ordered ?? false,
        try: () => {
          if (settled) return true;
          let result: T | undefined;
          try {
            result = attempt(tries++);
          } catch (error) {
            leave();
            reject(error);
            return true;
          }
          if (result === undefined) return false;
          leave();
          resolve(result);
          return true;
        },
        fail: (reason) => {
          leave();
          try {
            wait.abandoned?.();
          } finally {
            reject(reason);
          }
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
      // The waiters in front want the same, and what is there now is theirs first.
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
      // Armed by now: a change before this is seen by the try, one after it rings.
      if (settled || !waiter.ordered && waiter.try()) return;
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
   * Looks at everything in a microtask: while it was blocked, this thread put bits of its doorbell back, after which what
   * the bell rang for cannot be told.
   */
  retry(): void {
    if (this.#pending > 0) queueMicrotask(() => this.#look(true));
  }

  /**
   * Rejects all promises that wait at points in `[from, to)`: this thread gives up what is there, and must not put the bit of
   * its doorbell back into memory that may be another object's by then.
   */
  evict(from: number, to: number, reason: () => unknown): void {
    if (this.#pending === 0) return;
    for (const [point, waiters] of [...this.#points]) {
      if (point >= from && point < to) { for (const waiter of [...waiters]) waiter.fail(reason()); }
    }
  }

  /** Forgets all promises that wait: this thread ends, and gives up what they wait at. */
  abandon(): void {
    for (const waiters of this.#points.values()) waiters.clear();
    this.#points.clear();
    this.#pending = 0;
    // Not in vain: on Deno the first call of a thread loads node's timers, in milliseconds.
    if (this.#slices !== undefined) clearInterval(this.#slices);
    this.#stop?.();
    this.#stop = undefined;
  }

  /** `true`: all waiters there are to be tried now. */
  #add(point: number, waiter: Waiter): boolean {
    let waiters = this.#points.get(point);
    const first = waiters === undefined;
    if (waiters === undefined) this.#points.set(point, waiters = new Set());
    waiters.add(waiter);
    if (this.#pending++ === 0) this.#start();
    // Where the bit was taken, the bell has rung for the waiters before, and the look that follows would find it back.
    return arm(this.#space, point) || first;
  }

  #remove(point: number, waiter: Waiter): void {
    const waiters = this.#points.get(point);
    if (waiters === undefined || !waiters.delete(waiter)) return;
    if (waiters.size === 0) this.#points.delete(point);
    if (--this.#pending === 0) this.#end();
  }

  /**
   * Goes on listening also while no promise waits, until what is returned is called: to end a sleep that no promise needs stops the
   * event loop for a moment, and a thread that waits again and again would do so each time.
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
    // Two jobs: it keeps the program alive, and finds out what no bell rings for: that a holder died.
    this.#slices = setInterval(() => this.#look(true), SLICE_MS);
    this.#listen();
  }

  #end(): void {
    clearInterval(this.#slices);
    // Not at once: a thread that waits once waits again, and starting to listen costs more than going on.
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
        // Put back by another thread, perhaps, which has the same bell and was quicker.
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
