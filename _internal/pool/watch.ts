/**
 * When the owner of a pool looks at its board: after calls of the program, for a moment without sleeping, and then when it is
 * notified. While anything is posted its wait keeps the program alive; it waits for nothing else.
 *
 * @module
 */

import { now } from "../atomics.ts";
import { ROOM_AT } from "../memory/memory.ts";
import { type Board, DONE } from "./board.ts";
import { Patience } from "./patience.ts";

/** What is looked after. */
export interface Watched {
  /** Takes in what was told, posts what there is. */
  pump(): void;
  /** Takes in what was told. Whether there was anything. */
  collect(): boolean;
  /** Looks for anything that is worth a pump; `exactly`: also for what nothing tells. */
  look(exactly: boolean): boolean;
  /** Whether anything is to be waited for. */
  readonly isWaiting: boolean;
  /** Whether what is waited for is the outcome of a task. */
  readonly isPosted: boolean;
  /** Whether room is waited for. */
  readonly wantsRoom: boolean;
  /** The workers; each time there are others the wait is begun anew. */
  readonly watched: readonly { readonly handle: { readonly points: readonly number[] } }[];
}

/** How long to look for results without the event loop having had a turn, as far as is known: milliseconds. */
const TURN = 4;
/** How often at least: the event loop has had turns of which nothing is known here. */
const TURNLESS = 8;
/** How often it is asked whether workers live, if nothing tells that they do not: milliseconds. */
const ASK = 150;

/** Looks after the board of a pool. */
export class Watch {
  readonly #board: Board;
  readonly #its: Watched;
  readonly #patience: Patience = new Patience();
  /** Takes the wait for the board off, with the mark that it leaves there, before the board is given back. */
  readonly #over: AbortController = new AbortController();
  #planned = false;
  #watching = false;
  #turned: number = now();
  #asked = 0;
  /** How often it found something since the event loop had a turn. */
  #found = 0;

  constructor(board: Board, its: Watched) {
    this.#board = board;
    this.#its = its;
  }

  /** Pumps soon: calls of one turn go together. */
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
    // The program has to hear of what was found: its reactions come before what is planned here.
    if (this.#its.isPosted && this.#look()) this.plan();
    else this.watch();
  };

  // Small tasks are done before this thread could fall asleep and be woken again. But timers and sockets must have their
  // turn, and others may need the processor.
  #look(): boolean {
    if (this.#board.space.spins === 0) return false;
    if (now() - this.#turned > TURN && this.#found > TURNLESS) return false;
    if (!this.#patience.wait(this.#collect)) return false;
    this.#found++;
    return true;
  }

  readonly #collect = (): boolean => this.#its.collect();

  /** Waits for the workers, until there is nothing to wait for. */
  watch(): void {
    if (this.#watching || this.#over.signal.aborted) return;
    this.#watching = true;
    void this.#wait();
  }

  get isWatching(): boolean {
    return this.#watching;
  }

  /** Looks no more. */
  stop(): void {
    this.#over.abort();
  }

  async #wait(): Promise<void> {
    const { space, at } = this.#board;
    const its = this.#its;
    const { signal } = this.#over;
    while (!signal.aborted && its.isWaiting) {
      // Held until the wait is over: what is waited for is theirs.
      let watched: Watched["watched"] = its.watched;
      const points = [at + DONE];
      // What others hold of the room may be in the way as well.
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

  // To ask the system whether processes live takes a while. What the event loop tells need not be asked for.
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
