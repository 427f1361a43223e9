/**
 * A lock with two sides: many readers, or one writer. _rw_word.ts has its words, their states, and what a thread may do
 * in each.
 *
 * @module
 */

import { REFUSAL } from "../_internal/codec/refusal.ts";
import { DeadlockError, TimeoutError } from "../_internal/errors.ts";
import { defineKind, registerClass, RWLOCK } from "../_internal/memory/kinds.ts";
import { firstLine } from "../_internal/memory/memory.ts";
import { type Place, placeOf, SharedObject, type SharedOptions, unusable } from "../_internal/memory/shared_object.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { CONTENDED, PASSING } from "../_internal/memory/wait_point.ts";
import { validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import { MISSED, TAKEN_OVER } from "./_lock_word.ts";
import { COUNT, findSeat, SEAT } from "./_reader_seats.ts";
import {
  ACQUISITION,
  attemptRead,
  attemptWrite,
  beginWaiting,
  epochOf,
  isWriter,
  READ_POINT,
  readAtOnce,
  releaseRead,
  releaseWrite,
  RW_KIND,
  RW_WORDS,
  SEATS,
  type Waiting,
  withdrawReader,
  withdrawWriter,
  WRITE_POINT,
  writeAtOnce,
} from "./_rw_word.ts";
import { type Guard, WHY_NOT } from "./guard.ts";

/** Gives one acquisition of the read side back, if it is of the current epoch. */
let giveBackRead: (lock: RWLock, epoch: number) => void;

/** Gives one acquisition of the write side back, if it is still the current one. */
let giveBackWrite: (lock: RWLock, acquisition: number) => void;

/** How many acquisitions of the write side this thread has made. A guard stands for one of them. */
let acquisitions = 0;

/**
 * A lock that many threads may hold to read, or one thread to write.
 *
 * Readers share the lock; a writer has it alone. What was written to shared memory under the write side is visible to
 * every thread that gets either side after it.
 *
 * - **Order.** Neither side starves the other. While a writer waits, new readers wait behind it, and after each writer
 *   the readers that have waited come first. So a writer waits for the readers that were there before it, and a reader
 *   waits for one writer. If writers still overtake a reader, which may happen four times, then writers wait for it.
 *   Writers overtake each other as with `Lock`, but not forever. If it is the turn of a promise whose thread is busy or
 *   blocked, the others go on after a quarter of a second.
 * - **Again in the same thread.** `readSync` in a thread that reads already, in a callee for example, succeeds at once,
 *   even while a writer waits. `await read()` waits behind a waiting writer, since the async functions of a thread are
 *   different readers. If that writer waits for a reader of the same thread, `read` waits for about a quarter of a
 *   second: a function that reads twice is late but does not hang. Any other wait of a thread for itself throws
 *   {@linkcode DeadlockError} if it blocks without a timeout: a writer can neither read nor write again, and a reader
 *   cannot write (there is no upgrade).
 * - **Death.** A reader that dies no longer counts. If a writer ends while it holds the lock, the lock passes to the
 *   waiters within a second. `guard.abandoned` is then `true` for all readers after that, up to and including the next
 *   writer, which can repair what the dead writer left half changed. A reader's death is reported only to the next
 *   writer.
 *
 * Reading costs a store and a few loads, and no system call.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { RWLock } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RWLock();
 * {
 *   using _one = lock.readSync();
 *   using _other = lock.readSync();
 *   assertEquals(lock.tryWrite(), undefined);
 * }
 * {
 *   using _alone = await lock.write();
 *   assertEquals(lock.tryRead(), undefined);
 * }
 * ```
 */
export class RWLock extends SharedObject {
  readonly #place: Place = placeOf(this);
  readonly #base: number;
  /** This thread's seat; 0: this handle has not read yet. */
  #seat = 0;

  static {
    giveBackRead = (lock, epoch) => {
      const { space, at } = lock.#place;
      if (at >= 0) releaseRead(space, lock.#base, lock.#seat, epoch);
    };
    giveBackWrite = (lock, acquisition) => {
      const { space, at } = lock.#place;
      if (at >= 0) releaseWrite(space, lock.#base, acquisition);
    };
  }

  /**
   * Creates a lock that is free, or opens the lock of the given name.
   *
   * @param options Options: `name` and `local`, see {@linkcode SharedOptions}.
   * @throws {TypeError} If the name belongs to something that is not an `RWLock`.
   * @throws {RangeError} If the shared memory is full.
   */
  constructor(options?: SharedOptions) {
    super(new.target, options, () => ({
      action: "create lock",
      kind: RWLOCK,
      words: RW_WORDS,
    }));
    this.#base = firstLine(this.#place.at);
  }

  /**
   * Waits, without blocking the event loop, until the caller may read.
   *
   * Promises of one thread get the read side in the order of the calls.
   *
   * Python has no equivalent.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns A guard that ends this reading when it is disposed of. Its `abandoned` is `true` if a writer died and no
   * other writer has had the lock since.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN, or the shared memory has no room for another thread that
   * reads.
   * @throws The signal's reason, if it is aborted first. The lock is then not taken.
   *
   * @example
   * ```ts
   * import { RWLock } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const lock = new RWLock();
   * const settings = new Map([["color", "blue"]]);
   *
   * async function setting(key: string): Promise<string | undefined> {
   *   using _guard = await lock.read();
   *   return settings.get(key);
   * }
   *
   * assertEquals(await Promise.all([setting("color"), setting("size")]), ["blue", undefined]);
   * ```
   */
  read(options?: WaitOptions): Promise<Guard> {
    const { space, at } = this.#place;
    const seat = this.#seat;
    // An async function would cost as much as the rest.
    if (
      options === undefined && at >= 0 && seat !== 0 && !space.async.isCrowded(this.#base + READ_POINT) &&
      readAtOnce(space, this.#base, seat)
    ) {
      return Promise.resolve(new ReadGuard(this, epochOf(space, seat), false));
    }
    return this.#readLater(options);
  }

  async #readLater(options: WaitOptions | undefined): Promise<Guard> {
    const timeout = validateWait(options, "read");
    const { space } = this.#place;
    options?.signal?.throwIfAborted();
    // Behind the options, as a getter of theirs may dispose of it.
    if (this.#place.at < 0) unusable(this, "read");
    const waiting = beginWaiting(space, this.#base, false, timeout);
    if (!space.async.isCrowded(this.#base + READ_POINT)) {
      const guard = this.#attemptRead(0, waiting);
      if (guard !== undefined) return guard;
    }
    return await waitAsync(this.#place, this.#readTurn(waiting), timeout, options?.signal);
  }

  /**
   * Blocks this thread until it may read.
   *
   * Python has no equivalent.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns A guard that ends this reading when it is disposed of. Its `abandoned` is `true` if a writer died and no
   * other writer has had the lock since.
   * @throws {DeadlockError} Without a timeout, if this thread or one of its async tasks writes.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN, or the shared memory has no room for another thread that
   * reads.
   */
  readSync(options?: WaitSyncOptions): Guard {
    const { space, at } = this.#place;
    if (at < 0) unusable(this, "read");
    const seat = this.#seat;
    if (options === undefined && seat !== 0 && readAtOnce(space, this.#base, seat)) {
      return new ReadGuard(this, epochOf(space, seat), false);
    }
    return this.#readSlowly(options);
  }

  /**
   * Takes the read side if no thread writes and no writer waits. Never waits.
   *
   * Python has no equivalent.
   *
   * @returns A guard that ends this reading when it is disposed of, or `undefined` if the caller cannot read now.
   * @throws {RangeError} If the shared memory has no room for another thread that reads.
   */
  tryRead(): Guard | undefined {
    if (this.#place.at < 0) unusable(this, "read");
    const guard = this.#attemptRead(PASSING, undefined);
    if (guard === undefined) this.#place.space.endIfKilled();
    return guard;
  }

  /**
   * Waits, without blocking the event loop, until the caller may write.
   *
   * Promises of one thread get the write side in the order of the calls.
   *
   * Python has no equivalent.
   *
   * @param options `timeout` in milliseconds, and `signal`. Default: waits forever.
   * @returns A guard that ends this writing when it is disposed of. Its `abandoned` is `true` if the previous writer
   * died, or a reader did since then.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   * @throws The signal's reason, if it is aborted first. The lock is then not taken.
   *
   * @example
   * ```ts
   * import { RWLock } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const lock = new RWLock();
   * const settings = new Map<string, string>();
   * {
   *   using _guard = await lock.write();
   *   settings.set("color", "blue");
   * }
   * using _guard = await lock.read();
   * assertEquals(settings.get("color"), "blue");
   * ```
   */
  write(options?: WaitOptions): Promise<Guard> {
    const { space, at } = this.#place;
    // An async function would cost as much as the rest.
    if (
      options === undefined && at >= 0 && !space.async.isCrowded(this.#base + WRITE_POINT) &&
      writeAtOnce(space, this.#base)
    ) {
      return Promise.resolve(this.#beginWriting(false));
    }
    return this.#writeLater(options);
  }

  async #writeLater(options: WaitOptions | undefined): Promise<Guard> {
    const timeout = validateWait(options, "write");
    const { space } = this.#place;
    options?.signal?.throwIfAborted();
    // As in `#readLater`.
    if (this.#place.at < 0) unusable(this, "write");
    if (!space.async.isCrowded(this.#base + WRITE_POINT)) {
      const guard = this.#attemptWrite(0, undefined);
      if (guard !== undefined) return guard;
    }
    const waiting = beginWaiting(space, this.#base, false, timeout);
    return await waitAsync(this.#place, this.#writeTurn(waiting), timeout, options?.signal);
  }

  /**
   * Blocks this thread until it may write.
   *
   * Python has no equivalent.
   *
   * @param options `timeout` in milliseconds. Default: waits forever.
   * @returns A guard that ends this writing when it is disposed of. Its `abandoned` is `true` if the previous writer
   * died, or a reader did since then.
   * @throws {DeadlockError} Without a timeout, if this thread or one of its async tasks reads or writes.
   * @throws {TimeoutError} If `timeout` passes first. The lock is then not taken.
   * @throws {RangeError} If `timeout` is negative or NaN.
   */
  writeSync(options?: WaitSyncOptions): Guard {
    if (this.#place.at < 0) unusable(this, "write");
    if (options === undefined && writeAtOnce(this.#place.space, this.#base)) return this.#beginWriting(false);
    return this.#writeSlowly(options);
  }

  #writeSlowly(options: WaitSyncOptions | undefined): Guard {
    const timeout = validateWait(options, "write");
    // As in `#readLater`.
    if (this.#place.at < 0) unusable(this, "write");
    const guard = this.#attemptWrite(0, undefined);
    if (guard !== undefined) return guard;
    const { space } = this.#place;
    if (timeout === Infinity) this.#refuseToWaitForItself("write");
    return waitSync(space, this.#writeTurn(beginWaiting(space, this.#base, true, timeout)), timeout);
  }

  /**
   * Takes the write side if no thread reads or writes. Never waits.
   *
   * Python has no equivalent.
   *
   * @returns A guard that ends this writing when it is disposed of, or `undefined` if the caller cannot write now.
   */
  tryWrite(): Guard | undefined {
    if (this.#place.at < 0) unusable(this, "write");
    const guard = this.#attemptWrite(PASSING, undefined);
    if (guard === undefined) this.#place.space.endIfKilled();
    return guard;
  }

  #readSlowly(options: WaitSyncOptions | undefined): Guard {
    const timeout = validateWait(options, "read");
    // As in `#readLater`.
    if (this.#place.at < 0) unusable(this, "read");
    const { space } = this.#place;
    const waiting = beginWaiting(space, this.#base, true, timeout);
    const guard = this.#attemptRead(0, waiting);
    if (guard !== undefined) return guard;
    if (timeout === Infinity) this.#refuseToWaitForItself("read");
    return waitSync(space, this.#readTurn(waiting), timeout);
  }

  #readTurn(waiting: Waiting): Wait<Guard> {
    return {
      point: this.#base + READ_POINT,
      attempt: (woken) => this.#attemptRead(woken, waiting),
      expired: (timeout) => expired("read", timeout),
      abandoned: () => withdrawReader(this.#place.space, this.#base),
      ordered: true,
      pauses: CONTENDED,
    };
  }

  #writeTurn(waiting: Waiting): Wait<Guard> {
    return {
      point: this.#base + WRITE_POINT,
      attempt: (woken) => this.#attemptWrite(woken, waiting),
      expired: (timeout) => expired("write", timeout),
      abandoned: () => withdrawWriter(this.#place.space, this.#base),
      ordered: true,
      pauses: CONTENDED,
    };
  }

  #attemptRead(woken: number, waiting: Waiting | undefined): Guard | undefined {
    const { space } = this.#place;
    const seat = this.#seat !== 0 ? this.#seat : this.#takeSeat();
    const outcome = attemptRead(space, this.#base, seat, woken, waiting);
    return outcome === MISSED ? undefined : new ReadGuard(this, epochOf(space, seat), outcome === TAKEN_OVER);
  }

  #attemptWrite(woken: number, waiting: Waiting | undefined): Guard | undefined {
    const outcome = attemptWrite(this.#place.space, this.#base, woken, waiting);
    return outcome === MISSED ? undefined : this.#beginWriting(outcome === TAKEN_OVER);
  }

  #beginWriting(abandoned: boolean): Guard {
    const { words } = this.#place;
    const acquisition = acquisitions = (acquisitions + 1) | 0;
    words[this.#base + ACQUISITION] = acquisition;
    return new WriteGuard(this, acquisition, abandoned);
  }

  #takeSeat(): number {
    const { space } = this.#place;
    const seat = findSeat(space, this.#base + SEATS);
    // The seat may be in a row that is a block of its own.
    space.fix(seat + SEAT);
    return this.#seat = seat;
  }

  #refuseToWaitForItself(action: "read" | "write"): void {
    const { space } = this.#place;
    const writes = isWriter(space, this.#base);
    if (!writes && (action === "read" || this.#seat === 0 || space.fixed[this.#seat + COUNT] <= 0)) return;
    throw new DeadlockError(
      `Cannot ${action} as this thread, or an async task of it, ${
        writes ? "writes" : "reads"
      } already, and could never release the lock while this thread is blocked: release it first, await ${action}(), or give a timeout`,
    );
  }
}

class ReadGuard implements Guard {
  /** `undefined`: spent. */
  #lock: RWLock | undefined;
  readonly abandoned: boolean;
  readonly #epoch: number;

  constructor(lock: RWLock, epoch: number, abandoned: boolean) {
    this.#lock = lock;
    this.#epoch = epoch;
    this.abandoned = abandoned;
  }

  get [REFUSAL](): string {
    return WHY_NOT;
  }

  [Symbol.dispose](): void {
    const lock = this.#lock;
    if (lock === undefined) return;
    this.#lock = undefined;
    giveBackRead(lock, this.#epoch);
  }
}

class WriteGuard implements Guard {
  readonly #lock: RWLock;
  readonly #acquisition: number;
  readonly abandoned: boolean;

  constructor(lock: RWLock, acquisition: number, abandoned: boolean) {
    this.#lock = lock;
    this.#acquisition = acquisition;
    this.abandoned = abandoned;
  }

  get [REFUSAL](): string {
    return WHY_NOT;
  }

  [Symbol.dispose](): void {
    // A second call does nothing: this thread no longer writes, or writes under another number.
    giveBackWrite(this.#lock, this.#acquisition);
  }
}

function expired(action: string, timeout: number): never {
  throw new TimeoutError(`Cannot ${action} as the lock was held for all of the ${timeout} ms of 'timeout'`);
}

registerClass("thread", RWLOCK, RWLock);
defineKind(RWLOCK, RW_KIND);
