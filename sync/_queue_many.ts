/**
 * Putting and taking many items of a queue at once.
 *
 * A batch of small items takes the mutex of the queue once, and notifies once. See _internal/queue/many.ts.
 *
 * @module
 */

import { now } from "../_internal/atomics.ts";
import { QueueFullError, QueueShutDownError } from "../_internal/errors.ts";
import { type Place, type SharedHandle, unusable } from "../_internal/memory/shared_object.ts";
import type { Space } from "../_internal/memory/space.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { LITTLE_PATIENCE } from "../_internal/memory/wait_point.ts";
import {
  deadlineOf,
  show,
  validateInteger,
  validateWait,
  type WaitOptions,
  type WaitSyncOptions,
} from "../_internal/options.ts";
import { type Batch, giveBatchBack, takeBatch } from "../_internal/queue/many.ts";
import { CLOSED, type ContainerType, GET_POINT, NO_ROOM, OK, PUT_POINT } from "../_internal/queue/container.ts";
import { type QueueEnds, refuseEmpty, refuseForRoom, refuseFull } from "./_queue_ends.ts";

/** Throws unless `items` is an array. */
function validateItems(items: unknown, action: string): void {
  if (!Array.isArray(items)) {
    throw new TypeError(`Cannot ${action} as 'items' must be an array: received ${show(items)}`);
  }
}

/** Throws unless `max` is a number of items to take. */
function validateMax(max: unknown, action: string): void {
  if (max !== Infinity) validateInteger(max, "'max'", 1, Number.MAX_SAFE_INTEGER, action);
}

/** A queue, as this thread sees it. */
export interface Target {
  /** The handle through which the program called. */
  readonly queue: SharedHandle;
  readonly place: Place;
  /** Where the words of the queue begin. */
  readonly base: number;
  readonly ends: QueueEnds;
  readonly rank: ContainerType["rank"];
}

/** One call that puts many items. */
export class ManyPut {
  readonly #target: Target;
  readonly #action: string;
  readonly #items: readonly unknown[];
  /** The length of the array at the call. */
  readonly #count: number;
  readonly #timeout: number;
  readonly #deadline: number;
  readonly #batch: Batch;
  /** The index of the next item to pack. */
  #next = 0;
  /** Why that item cannot be packed. It counts once all items before it are put. */
  #failure: { readonly error: unknown } | undefined;

  constructor(target: Target, items: readonly unknown[], options: WaitOptions | undefined, action: string) {
    validateItems(items, action);
    this.#target = target;
    this.#action = action;
    this.#items = items;
    this.#count = items.length;
    this.#timeout = validateWait(options, action);
    this.#deadline = deadlineOf(this.#timeout);
    const priority = (options as { priority?: number } | undefined)?.priority ?? 0;
    this.#batch = takeBatch();
    target.rank?.(this.#batch.message, priority);
  }

  /** Puts the items. Blocks this thread while there is no room. */
  putSync(): void {
    try {
      do {
        this.#pack(false);
        if (this.#tryPut()) continue;
        const left = this.#deadline === Infinity ? Infinity : Math.max(0, this.#deadline - now());
        try {
          waitSync(this.#target.place.space, this.#room(), left);
        } finally {
          this.#target.ends.roomPace.end();
        }
      } while (!this.#isDone());
    } catch (error) {
      throw this.#ended(error, undefined);
    } finally {
      this.#close();
    }
  }

  /** Puts the items. It copies all of them before it waits. */
  async put(signal: AbortSignal | undefined): Promise<void> {
    const { place: { space }, base } = this.#target;
    try {
      signal?.throwIfAborted();
      do {
        this.#pack(false);
        // The promises that wait already get room first.
        const isFirst = this.#timeout === 0 || !space.async.isCrowded(base + PUT_POINT);
        if (isFirst && this.#tryPut(LITTLE_PATIENCE)) continue;
        this.#pack(true);
        try {
          await waitAsync(this.#target.place, this.#room(), Math.max(0, this.#deadline - now()), signal);
        } finally {
          this.#target.ends.roomPace.end();
        }
      } while (!this.#isDone());
    } catch (error) {
      throw this.#ended(error, signal);
    } finally {
      this.#close();
    }
  }

  // Packs as many items as are copied at a time, or all.
  #pack(all: boolean): void {
    if (this.#failure !== undefined) return;
    const { queue, place } = this.#target;
    const { space } = place;
    const action = this.#action;
    const batch = this.#batch;
    const { message } = batch;
    try {
      for (; this.#next < this.#count && (all || !batch.isFull) && place.at >= 0; this.#next++) {
        const item = this.#items[this.#next];
        if (!message.pack(space, item)) refuseForRoom(space, action, item, message.second);
        batch.stage(message);
      }
    } catch (error) {
      this.#failure = { error };
    }
    // Code of the program may have disposed of the queue: its words may be another object's by now.
    if (place.at < 0) unusable(queue, action);
  }

  // Puts the batch as far as it finds room soon, again and again. Returns whether it is empty.
  #tryPut(patience?: number): boolean {
    const batch = this.#batch;
    if (batch.left === 0 || this.#putSome(this.#timeout === 0 ? 1 : 0)) return true;
    if (this.#timeout === 0) this.#refuseFull();
    for (let before = -1; batch.done !== before;) {
      before = batch.done;
      if (this.#deadline !== Infinity && this.#deadline <= now() || !this.#target.ends.findRoom(patience)) return false;
      if (this.#putSome(0)) return true;
    }
    return false;
  }

  // Puts the batch as far as there is room. Returns whether it is empty.
  #putSome(woken: number, most: number = this.#batch.left): boolean {
    const { place: { space }, ends } = this.#target;
    const action = this.#action;
    const outcome = ends.tryPushMany(this.#batch, most, woken);
    if (outcome === NO_ROOM) refuseForRoom(space, action, this.#first, this.#batch.nextSize * 4);
    if (outcome === CLOSED) throw new QueueShutDownError(`Cannot ${action} as it is shut down`);
    return outcome === OK;
  }

  // Whether all items are put. Throws if the next one cannot be packed.
  #isDone(): boolean {
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#next === this.#count;
  }

  /** How it waits until the batch is put. */
  #room(): Wait<true> {
    return {
      point: this.#target.base + PUT_POINT,
      attempt: this.#target.ends.notingMany(this.#batch, (woken, most) => this.#putSome(woken, most) || undefined),
      expired: () => this.#refuseFull(),
      abandoned: () => this.#target.ends.unbarPut(),
      ordered: true,
      pauses: this.#target.ends.roomPace.pauses,
    };
  }

  /** The first item that is not put. */
  get #first(): unknown {
    return this.#items[this.#batch.done];
  }

  #refuseFull(): never {
    refuseFull(this.#action, this.#timeout, this.#first, this.#target.ends.limit);
  }

  // Returns an error that tells how many items were put.
  #ended(error: unknown, signal: AbortSignal | undefined): unknown {
    const put = this.#batch.done;
    const action = this.#action;
    if (signal?.aborted && error === signal.reason) {
      // The reason belongs to the program, and other calls may end with the same one.
      if (put === 0) return error;
      const message =
        `Cannot ${action} as it stayed full until the signal was aborted: ${put} of ${this.#count} were put`;
      return new QueueFullError(message, { item: this.#first, put, cause: error });
    }
    if (error instanceof Error && Object.isExtensible(error)) return Object.assign(error, { put });
    if (put === 0) return error;
    const message = `Cannot ${action} as an item cannot be copied: ${put} of ${this.#count} were put`;
    return Object.assign(new Error(message, { cause: error }), { put });
  }

  #close(): void {
    this.#batch.dropLeft(this.#target.place.space);
    giveBatchBack(this.#batch);
  }
}

/** Takes many items, for the calls of one queue in this thread. */
export class ManyGet {
  readonly #queue: SharedHandle;
  readonly #place: Place;
  readonly #space: Space;
  readonly #base: number;
  readonly #ends: QueueEnds;
  /** What was thrown for items that are lost, and not told yet. */
  readonly #failures: unknown[] = [];

  constructor({ queue, place, base, ends }: Target) {
    this.#queue = queue;
    this.#place = place;
    this.#space = place.space;
    this.#base = base;
    this.#ends = ends;
  }

  /** Takes items. Waits for the first without blocking the event loop. */
  async get(max: number, options: WaitOptions | undefined, action: string): Promise<unknown[]> {
    validateMax(max, action);
    const timeout = validateWait(options, action);
    const signal = options?.signal;
    signal?.throwIfAborted();
    this.#check(action);
    if (timeout === 0 || !this.#space.async.isCrowded(this.#base + GET_POINT)) {
      const items = this.#tryTakeSoon(max, timeout, action, LITTLE_PATIENCE);
      if (items !== undefined) return items;
    }
    const attempt = (woken: number): unknown[] | undefined => this.#tryTake(max, woken, action);
    try {
      return await waitAsync(this.#place, this.#wait(attempt, action), timeout, signal);
    } finally {
      this.#ends.itemPace.end();
    }
  }

  /** Takes items. Blocks this thread until there is an item. */
  getSync(max: number, options: WaitSyncOptions | undefined, action: string): unknown[] {
    validateMax(max, action);
    const timeout = validateWait(options, action);
    this.#check(action);
    const items = this.#tryTakeSoon(max, timeout, action);
    if (items !== undefined) return items;
    const batch = takeBatch();
    try {
      // Unpacked after the wait: that may run code of the program, which may dispose of the queue, and this thread takes itself
      // off the wait point after the attempt.
      return this.#unpackAll(batch, max, this.#waitForBatch(batch, max, timeout, action));
    } finally {
      giveBatchBack(batch);
    }
  }

  /** Takes the items that are there. */
  tryGet(max: number, action: string): unknown[] {
    validateMax(max, action);
    return this.#tryTake(max, 1, action) ?? [];
  }

  #tryTakeSoon(max: number, timeout: number, action: string, patience?: number): unknown[] | undefined {
    const items = this.#tryTake(max, timeout === 0 ? 1 : 0, action);
    if (items !== undefined) return items;
    if (timeout === 0) refuseEmpty(action, timeout);
    return this.#ends.findItem(patience) ? this.#tryTake(max, 0, action) : undefined;
  }

  /** Throws an error of an earlier call that returned the other items. */
  throwLate(): void {
    if (this.#failures.length > 0) throw this.#failures.shift();
  }

  // Takes up to `max` of the items that are there; `undefined`: there is none, and the caller has to wait.
  #tryTake(max: number, woken: number, action: string): unknown[] | undefined {
    const batch = takeBatch();
    try {
      return this.#tryShift(batch, max, woken, action) ? this.#unpackAll(batch, max, woken) : undefined;
    } finally {
      giveBatchBack(batch);
    }
  }

  // Waits until a batch has messages. Returns the `woken` of the attempt that took them.
  #waitForBatch(batch: Batch, max: number, timeout: number, action: string): number {
    const attempt = (woken: number): number | undefined =>
      this.#tryShift(batch, max, woken, action) ? woken : undefined;
    try {
      return waitSync(this.#space, this.#wait(attempt, action), timeout);
    } finally {
      this.#ends.itemPace.end();
    }
  }

  // Takes messages into a batch. `false`: there is none, and the caller has to wait.
  #tryShift(batch: Batch, max: number, woken: number, action: string): boolean {
    const outcome = this.#ends.tryShiftMany(batch, max, woken);
    if (outcome === undefined) return false;
    if (outcome === OK) return true;
    throw new QueueShutDownError(`Cannot ${action} as it is shut down and has no more items`);
  }

  // Returns the items of a batch, and takes others that are there, up to `max` in all.
  #unpackAll(batch: Batch, max: number, woken: number): unknown[] {
    const ends = this.#ends;
    const items: unknown[] = [];
    // What is put from now on does not count, or a fast producer could keep this call forever.
    let left = batch.left < max ? Math.min(max, batch.left + ends.size) : max;
    do {
      left -= batch.left;
      this.#unpack(batch, items);
      // Code of the program may have disposed of the queue: then the call ends with what it has taken. Otherwise it is neither a
      // newcomer any more nor a waiter that was woken in vain.
    } while (left > 0 && this.#place.at >= 0 && ends.tryShiftMany(batch, left, Math.min(woken, 1)) === OK);
    if (items.length === 0) this.throwLate();
    return items;
  }

  #unpack(batch: Batch, items: unknown[]): void {
    for (;;) {
      batch.unpackIntegers(items);
      if (batch.left === 0) return;
      try {
        items.push(batch.unpackNext(this.#space));
      } catch (error) {
        this.#failures.push(error);
      }
    }
  }

  /** How a call waits for its first item. */
  #wait<R>(attempt: (woken: number) => R | undefined, action: string): Wait<R> {
    return {
      point: this.#base + GET_POINT,
      attempt,
      expired: (timeout) => refuseEmpty(action, timeout),
      abandoned: () => this.#ends.unbarGet(),
      ordered: true,
      pauses: this.#ends.itemPace.pauses,
    };
  }

  // A getter of the options may have disposed of the queue.
  #check(action: string): void {
    if (this.#place.at < 0) unusable(this.#queue, action);
  }
}
