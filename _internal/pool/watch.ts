/**
 * Decides when the owner of a pool looks at its board: after calls of the program, then for a moment without sleeping, and then
 * when it is notified. Its wait keeps the program alive. It waits only while tasks are posted, or something else is pending.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { ROOM_AT } from "../memory/memory.ts";
import { type Board, DONE } from "./board.ts";
import { Patience } from "./patience.ts";

/** The owner, as the watch uses it. */
export interface Watched {
  /** Collects finished tasks, and posts waiting ones. */
  pump(): void;
  /** Collects finished tasks. Returns whether there were any. */
  collect(): boolean;
  /** Looks for a reason to call `pump`. `exactly`: also looks for the ends of workers that no event reports. */
  look(exactly: boolean): boolean;
  /** Whether there is anything to wait for. */
  readonly isWaiting: boolean;
  /** Whether tasks are posted. */
  readonly isPosted: boolean;
  /** Whether a task waits for room. */
  readonly wantsRoom: boolean;
  /** The workers. When they change, the wait begins anew with their wait points. */
  readonly watched: readonly { readonly handle: { readonly points: readonly number[] } }[];
}

/** How long the owner may look for results without a known turn of the event loop: milliseconds. */
const TURN = 4;
/** Even after that time, it looks until it has found results more often than this: the loop may have had turns unseen. */
const TURNLESS = 8;
/** How often the system is asked whether the workers live: milliseconds. */
const ASK = 150;

/** Watches the board of a pool. */
export class Watch {
  readonly #board: Board;
  readonly #its: Watched;
  readonly #patience: Patience = new Patience();
  /** Ends the wait, and removes its registration from the board, before the board is freed. */
  readonly #over: AbortController = new AbortController();
  #planned = false;
  #watching = false;
  #turned: number = now();
  #asked = 0;
  /** How many times it has found something since the last known turn of the event loop. */
  #found = 0;

  constructor(board: Board, its: Watched) {
    this.#board = board;
    this.#its = its;
  }

  /** Calls `pump` in a microtask, once for several calls in one turn. */
  plan(): void {
    if (this.#planned || this.#over.signal.aborted) return;
    this.#planned = true;
    queueMicrotask(this.#pump);
  }

  readonly #pump = (): void => {
    this.#planned = false;
    if (this.#over.signal.aborted) return;
    this.#its.pump();
    if (!this.#its.isWaiting) return;
    // If something was found, plan() and do not pump now: the program reacts to its results before that microtask runs.
    if (this.#its.isPosted && this.#look()) this.plan();
    else this.watch();
  };

  // Looks for a moment without sleeping, since small tasks end before this thread could fall asleep and be woken. It is limited,
  // since timers and sockets must get their turns, and other threads may need the processor.
  #look(): boolean {
    if (this.#board.space.spins === 0) return false;
    if (now() - this.#turned > TURN && this.#found > TURNLESS) return false;
    if (!this.#patience.wait(this.#collect)) return false;
    this.#found++;
    return true;
  }

  readonly #collect = (): boolean => this.#its.collect();

  /** Starts the wait for the workers, which goes on until there is nothing to wait for. */
  watch(): void {
    if (this.#watching || this.#over.signal.aborted) return;
    this.#watching = true;
    void this.#wait();
  }

  get isWatching(): boolean {
    return this.#watching;
  }

  /** Ends the wait and looks no more. */
  stop(): void {
    this.#over.abort();
  }

  async #wait(): Promise<void> {
    const { space, at } = this.#board;
    const its = this.#its;
    const { signal } = this.#over;
    while (!signal.aborted && its.isWaiting) {
      // A reference to the workers keeps the memory of their wait points valid until the wait is over.
      let watched: Watched["watched"] = its.watched;
      const points = [at + DONE];
      // Room may also be freed by others than this pool.
      if (its.wantsRoom) points.push(ROOM_AT);
      for (const { handle } of watched) points.push(...handle.points);
      const waiting = space.async.wait<boolean>(points, {
        attempt: () => {
          if (signal.aborted) return true;
          const found = its.look(this.#isTime());
          return found || !its.isWaiting || !isSame(watched, its.watched) ? true : undefined;
        },
        deadline: Infinity,
        expired: () => false,
        signal,
      });
      try {
        await waiting;
      } catch (error) {
        if (!signal.aborted) throw error;
        return;
      } finally {
        watched = [];
      }
      this.#turned = now();
      this.#found = 0;
      its.pump();
    }
    this.#watching = false;
  }

  // Whether it is time to ask the system which workers live. This takes a while, and the event loop reports most ends anyway.
  #isTime(): boolean {
    const time = now();
    if (time - this.#asked < ASK) return false;
    this.#asked = time;
    return true;
  }
}

function isSame(some: readonly unknown[], others: readonly unknown[]): boolean {
  return some.length === others.length && some.every((each, i) => each === others[i]);
}
