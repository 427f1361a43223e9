/**
 * A lock with two sides: many that read, or one that writes.
 *
 * @module
 */

import { and, compareExchange, load, now, or, pause, store } from "../_internal/atomics.ts";
import { REFUSAL } from "../_internal/codec/refusal.ts";
import { DeadlockError, TimeoutError } from "../_internal/errors.ts";
import { defineKind, registerClass, RWLOCK } from "../_internal/memory/kinds.ts";
import { isAlive, NOBODY } from "../_internal/memory/participants.ts";
import {
  type Attachment,
  type Place,
  placeOf,
  SharedObject,
  type SharedOptions,
  unusable,
} from "../_internal/memory/shared_object.ts";
import type { Space } from "../_internal/memory/space.ts";
import { block, CONTENDED, notify, WAIT_POINT_WORDS } from "../_internal/memory/wait_point.ts";
import { deadlineOf, validateWait, type WaitOptions, type WaitSyncOptions } from "../_internal/options.ts";
import {
  buryReaders,
  COUNT,
  existingSlot,
  findSlot,
  FIRST_BLOCK_WORDS,
  freeBlocks,
  isAnybodyReading,
} from "./_reader_slots.ts";
import { type Guard, WHY_NOT } from "./guard.ts";

// Readers and writers meet in one word, `writer << 5 | flags`, and in the slots of the readers (_reader_slots.ts):
//
//   0                    nobody writes; the slots say who reads
//   writer << 5          that participant writes. If it is dead, the lock is up for the next one
//   + CLAIM              it looks whether anybody reads: a moment, in which readers and writers wait for what comes of it
//   + ABANDONED          a writer ended while it held the lock; until the next writer has it all are told
//   + READERS_OFF        a writer waits for the readers to leave: newcomers that read keep off
//   + WRITERS_OFF        a reader was overtaken too often: those who write keep off
//   + BARRED             a writer was overtaken too often: newcomers that write keep off
//
// A reader adds to the count in its slot and then reads the word; a writer claims the word and then reads the counts. As
// these operations are sequentially consistent, one of the two sees the other. The reader then takes its count back and
// waits until the claim is gone; the writer takes its claim back. Both steps back are one store, and a claim or a count of
// the dead is none, so nothing has to be repaired after a death at any instruction.
//
// Why not one word with the number of readers: a number does not say who, so that a reader that dies would count for ever;
// and all readers would write to the same cache line.
//
// Fairness. A writer that waits sets READERS_OFF, and then only those readers enter who waited while a writer held the lock
// (PHASE has changed since they came). So readers and writers take turns: a writer waits for the readers that were there
// when it began to wait, and a reader for one writer. Where writers overtake the readers that were woken after that one, a
// reader sets WRITERS_OFF when that happened WOKEN_IN_VAIN times. Writers among each other are as with Lock.
//
// Each of the two flags says that somebody who waits will enter soon. That one may be dead, or a promise of a thread that is
// busy; so with each goes the id of who set it, and who finds the lock free nevertheless for LAPSE milliseconds enters.
const BARRED = 1;
const READERS_OFF = 2;
const WRITERS_OFF = 4;
const ABANDONED = 8;
const CLAIM = 16;
const FLAGS = 15;
const WRITER_SHIFT = 5;

const READ_POINT = 1;
const WRITE_POINT = READ_POINT + WAIT_POINT_WORDS;
/** How often a writer gave the lock up, wrapping. Written by who writes. */
const PHASE = WRITE_POINT + WAIT_POINT_WORDS;
/** Who set READERS_OFF last. */
const KEEPER_OF_READERS = PHASE + 1;
/** Who set WRITERS_OFF last. */
const KEEPER_OF_WRITERS = PHASE + 2;
/** Which acquisition of the write side this is. Only who writes reads and writes it, as plain memory. */
const ACQUISITION = PHASE + 3;
const LINE = 16;
/** The slots' first block. */
const SLOTS = LINE;
/** The words begin at the first cache line (64 bytes) in the block. */
const WORDS = SLOTS + FIRST_BLOCK_WORDS + LINE - 1;

const WOKEN_IN_VAIN = 4;
const EVERYBODY = 0xfff;
/** Milliseconds. */
const LAPSE = 100;
/** How often to look at a claim before sleeping: it takes as long as a look at the slots. */
const CLAIM_SPINS = 200;

/** Gives one acquisition of the read side back. */
let giveBackRead: (lock: RWLock, epoch: number) => void;

/** Gives one acquisition of the write side back, if it is still the current one. */
let giveBackWrite: (lock: RWLock, acquisition: number) => void;

/** Acquisitions of the write side by this thread so far: a guard stands for one of them. */
let acquisitions = 0;

/** Which acquisitions of the read side stand: see {@linkcode epochs}. */
let epochFor: (lock: RWLock) => number;

/** One wait for the lock. */
interface Waiting {
  /** Whether the thread is blocked meanwhile. */
  readonly blocking: boolean;
  /** The phase in which it began. */
  readonly phase: number;
  /** Since when it found itself kept off from a free lock; 0: it did not. */
  since: number;
}

/**
 * A lock that many may hold to read, or one to write.
 *
 * Readers share the lock; a writer has it alone. What was written to shared memory under the write side is visible to all
 * who get either side after it.
 *
 * **Order.** Neither side starves the other: while a writer waits, newcomers that read wait behind it, and after each writer
 * those who waited to read come first. So a writer waits for the readers that were there before it, and a reader for one
 * writer; if writers overtake it all the same, which may happen four times, writers wait for it. Writers overtake each
 * other as with `Lock`, not for ever. If the one that is waited for in this way is a promise of a thread that is busy or
 * blocked, the others go on after a quarter of a second.
 *
 * **Again in the same thread.** `readSync` in a thread that reads already, in a callee perhaps, succeeds at once, also while a
 * writer waits. `await read()` waits behind a writer that waits, since the async functions of a thread are different readers;
 * where that writer waits for a reader of the same thread, for a quarter of a second at most, so that a function
 * that reads twice is late and does not hang. All else that a thread would wait for itself with is a
 * {@linkcode DeadlockError}: a writer cannot read nor write again, and a reader cannot write (there is no upgrade).
 *
 * **Death.** Who ends while it reads does not count any more. When a writer ends while it holds the lock, it goes on to those
 * who wait, within a second: `guard.abandoned` is `true` for all who read after that, up to and with the next one that
 * writes, which can mend what the dead one left half done. Of the death of a reader only the next one that writes is told.
 *
 * Reading costs a store and a few loads of the thread's own and shared words, and no system call.
 *
 * Python has none.
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
  readonly #tag: number;
  /** This thread's slot; 0: it has not read yet. */
  #slot = 0;

  static {
    giveBackRead = (lock, epoch) => lock.#giveBackRead(epoch);
    giveBackWrite = (lock, acquisition) => lock.#giveBackWrite(acquisition);
    epochFor = (lock) => epochOf(lock.#place.space, lock.#slot);
  }

  /**
   * Creates a lock that is free, or opens the lock of the given name.
   *
   * @throws {TypeError} If the name belongs to something that is not an `RWLock`.
   * @throws {RangeError} If the shared memory is full.
   */
  constructor(options?: SharedOptions) {
    super(new.target, options as SharedOptions | Attachment | undefined, () => ({
      action: "create lock",
      kind: RWLOCK,
      words: WORDS,
    }));
    this.#base = baseOf(this.#place.at);
    this.#tag = this.#place.at < 0 ? 0 : this.#place.space.id << WRITER_SHIFT;
  }

  /**
   * Waits, without blocking the event loop, until this may read.
   *
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first. The lock is then not taken.
   * @throws {RangeError} If the shared memory has no room for one more thread that reads.
   */
  async read(options?: WaitOptions): Promise<Guard> {
    if (this.#place.at < 0) unusable(this, "read");
    const timeout = validateWait(options, "read");
    const { space } = this.#place;
    const point = this.#base + READ_POINT;
    options?.signal?.throwIfAborted();
    const waiting = this.#wait(false);
    if (!space.async.isCrowded(point)) {
      const guard = this.#attemptRead(0, waiting);
      if (guard !== undefined) return guard;
    }
    return await space.async.wait<Guard>(point, {
      attempt: (tries) => this.#attemptRead(tries, waiting),
      deadline: deadlineOf(timeout),
      expired: () => this.#expired("read", timeout),
      abandoned: () => this.#leaveRead(),
      ordered: true,
      signal: options?.signal,
    });
  }

  /**
   * Blocks this thread until it may read.
   *
   * @throws {DeadlockError} Without a timeout, if this thread or one of its async tasks writes.
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws {RangeError} If the shared memory has no room for one more thread that reads.
   */
  readSync(options?: WaitSyncOptions): Guard {
    if (this.#place.at < 0) unusable(this, "read");
    const slot = this.#slot;
    if (options === undefined && slot !== 0) {
      const { words } = this.#place;
      const count = words[slot + COUNT];
      store(words, slot + COUNT, count + 1);
      if (load(words, this.#base) === 0) {
        if (this.#place.space.isKilled()) this.#place.space.exit();
        return new ReadGuard(this, false);
      }
      this.#setCount(slot, count);
    }
    return this.#readSlowly(options);
  }

  /** Reads if that is possible at once, and no writer waits; else returns `undefined`. Never waits. */
  tryRead(): Guard | undefined {
    if (this.#place.at < 0) unusable(this, "read");
    return this.#attemptRead(0, undefined);
  }

  /**
   * Waits, without blocking the event loop, until this may write. Promises of one thread get the lock in the order of the
   * calls.
   *
   * @throws {TimeoutError} If `timeout` passes first.
   * @throws The signal's reason, if it is aborted first. The lock is then not taken.
   */
  async write(options?: WaitOptions): Promise<Guard> {
    if (this.#place.at < 0) unusable(this, "write");
    const timeout = validateWait(options, "write");
    const { space } = this.#place;
    const point = this.#base + WRITE_POINT;
    options?.signal?.throwIfAborted();
    if (!space.async.isCrowded(point)) {
      const guard = this.#attemptWrite(0, undefined);
      if (guard !== undefined) return guard;
    }
    const waiting = this.#wait(false);
    return await space.async.wait<Guard>(point, {
      attempt: (tries) => this.#attemptWrite(tries, waiting),
      deadline: deadlineOf(timeout),
      expired: () => this.#expired("write", timeout),
      abandoned: () => this.#leaveWrite(),
      ordered: true,
      signal: options?.signal,
    });
  }

  /**
   * Blocks this thread until it may write.
   *
   * @throws {DeadlockError} Without a timeout, if this thread or one of its async tasks reads or writes.
   * @throws {TimeoutError} If `timeout` passes first.
   */
  writeSync(options?: WaitSyncOptions): Guard {
    if (this.#place.at < 0) unusable(this, "write");
    const timeout = validateWait(options, "write");
    const { space } = this.#place;
    let guard = this.#attemptWrite(0, undefined);
    if (guard !== undefined) return guard;
    if (timeout === Infinity) {
      const slot = this.#slot;
      if (this.#isWriter() || slot !== 0 && this.#place.words[slot + COUNT] > 0) {
        throw new DeadlockError(
          `Cannot write as this thread, or an async task of it, ${
            this.#isWriter() ? "writes" : "reads"
          } already and could not turn to release the lock: release it first, await write(), or give a timeout`,
        );
      }
    }
    const waiting = this.#wait(true);
    const attempt = (woken: number): Guard | undefined => this.#attemptWrite(woken, waiting);
    guard = block(space, this.#base + WRITE_POINT, attempt, deadlineOf(timeout), CONTENDED);
    if (guard !== undefined) return guard;
    this.#leaveWrite();
    this.#expired("write", timeout);
  }

  /** Writes if that is possible at once, else returns `undefined`. Never waits. */
  tryWrite(): Guard | undefined {
    if (this.#place.at < 0) unusable(this, "write");
    return this.#attemptWrite(0, undefined);
  }

  #wait(blocking: boolean): Waiting {
    return { blocking, phase: load(this.#place.words, this.#base + PHASE), since: 0 };
  }

  #readSlowly(options: WaitSyncOptions | undefined): Guard {
    const timeout = validateWait(options, "read");
    const waiting = this.#wait(true);
    let guard = this.#attemptRead(0, waiting);
    if (guard !== undefined) return guard;
    if (timeout === Infinity && this.#isWriter()) {
      throw new DeadlockError(
        "Cannot read as this thread, or an async task of it, writes and could not turn to release the lock: release it first, await read(), or give a timeout",
      );
    }
    const attempt = (woken: number): Guard | undefined => this.#attemptRead(woken, waiting);
    guard = block(this.#place.space, this.#base + READ_POINT, attempt, deadlineOf(timeout), CONTENDED);
    if (guard !== undefined) return guard;
    this.#leaveRead();
    this.#expired("read", timeout);
  }

  // `woken` is what `block` gives an attempt. Without `waiting` there will be no other attempt.
  #attemptRead(woken: number, waiting: Waiting | undefined): Guard | undefined {
    const { words, space } = this.#place;
    const base = this.#base;
    const slot = this.#slot !== 0 ? this.#slot : this.#takeSlot();
    for (;;) {
      const seen = load(words, base);
      const writer = seen >>> WRITER_SHIFT;
      if (writer !== 0) {
        if ((seen & CLAIM) !== 0) {
          awaitClaim(space, base, seen);
          continue;
        }
        if (writer === space.id || woken < 0 || isAlive(space.memory, writer)) {
          if (woken >= WOKEN_IN_VAIN) this.#keepWritersOff();
          return undefined;
        }
        this.#abandon(seen);
        continue;
      }
      const count = words[slot + COUNT];
      if ((seen & READERS_OFF) !== 0 && !this.#mayPassWriters(woken, waiting, count)) return undefined;
      if (space.isKilled()) space.exit();
      store(words, slot + COUNT, count + 1);
      const after = load(words, base);
      if (after >>> WRITER_SHIFT === 0) {
        // Its own bar or that of another reader, which sets it again if it is overtaken again.
        if ((after & WRITERS_OFF) !== 0 && woken > 0) and(words, base, ~WRITERS_OFF);
        return new ReadGuard(this, (after & ABANDONED) !== 0);
      }
      this.#setCount(slot, count);
    }
  }

  #mayPassWriters(woken: number, waiting: Waiting | undefined, count: number): boolean {
    const { words, space } = this.#place;
    const base = this.#base;
    const keeper = load(words, base + KEEPER_OF_READERS);
    // While this thread reads nobody writes, and if it blocked it would go on reading.
    if (count > 0 && (waiting === undefined || waiting.blocking)) return true;
    if (waiting !== undefined) {
      if (load(words, base + PHASE) !== waiting.phase) return true;
      // A promise of this thread, which could not take its turn.
      if (waiting.blocking && keeper === space.id) return true;
      if (woken < 0) return false;
    }
    if (!isAlive(space.memory, keeper)) {
      and(words, base, ~READERS_OFF);
      return true;
    }
    if (waiting === undefined) return false;
    if (count === 0 && isAnybodyReading(space, base + SLOTS)) {
      waiting.since = 0;
      return false;
    }
    if (!hasLapsed(waiting)) return false;
    if (count === 0) and(words, base, ~READERS_OFF);
    return true;
  }

  #attemptWrite(woken: number, waiting: Waiting | undefined): Guard | undefined {
    const { words, space } = this.#place;
    const base = this.#base;
    for (;;) {
      const seen = load(words, base);
      const writer = seen >>> WRITER_SHIFT;
      if (writer !== 0) {
        if ((seen & CLAIM) !== 0) {
          awaitClaim(space, base, seen);
          continue;
        }
        if (writer === space.id || woken < 0 || isAlive(space.memory, writer)) {
          if (woken >= WOKEN_IN_VAIN) or(words, base, BARRED);
          return undefined;
        }
        this.#abandon(seen);
        continue;
      }
      if ((seen & BARRED) !== 0 && woken <= 0) return undefined;
      if ((seen & WRITERS_OFF) !== 0 && !this.#mayPassReaders(woken, waiting)) return undefined;
      if (space.isKilled()) space.exit();
      if (compareExchange(words, base, seen, this.#tag | seen & FLAGS | CLAIM) !== seen) continue;
      if (isAnybodyReading(space, base + SLOTS)) {
        this.#setWord(FLAGS, 0);
        if (waiting !== undefined && woken >= 0) {
          store(words, base + KEEPER_OF_READERS, space.id);
          or(words, base, woken >= WOKEN_IN_VAIN ? READERS_OFF | BARRED : READERS_OFF);
        }
        return undefined;
      }
      // Whoever else was overtaken sets its bar again.
      const claimed = this.#setWord(READERS_OFF | WRITERS_OFF | (woken > 0 ? 0 : BARRED), this.#tag);
      if (claimed === undefined) continue;
      const readersDied = buryReaders(space, base + SLOTS);
      const acquisition = acquisitions = (acquisitions + 1) | 0;
      words[base + ACQUISITION] = acquisition;
      return new WriteGuard(this, acquisition, readersDied || (claimed & ABANDONED) !== 0);
    }
  }

  #mayPassReaders(woken: number, waiting: Waiting | undefined): boolean {
    const { words, space } = this.#place;
    const base = this.#base;
    if (woken < 0) return false;
    const keeper = load(words, base + KEEPER_OF_WRITERS);
    const passes = !isAlive(space.memory, keeper) || waiting !== undefined &&
        (waiting.blocking && keeper === space.id || !isAnybodyReading(space, base + SLOTS) && hasLapsed(waiting));
    if (passes) and(words, base, ~WRITERS_OFF);
    return passes;
  }

  // Keeps those flags and replaces all else, for a thread that writes or claims to. Returns what was there; nothing, if
  // this thread was taken for dead, and the lock is another's perhaps.
  #setWord(flags: number, tag: number): number | undefined {
    const { words, space } = this.#place;
    const base = this.#base;
    for (;;) {
      const seen = load(words, base);
      if (seen >>> WRITER_SHIFT !== space.id) return undefined;
      if (compareExchange(words, base, seen, tag | seen & flags) === seen) return seen;
    }
  }

  // The writer is dead: the lock is free, and whoever gets it is told.
  #abandon(seen: number): void {
    const { words, space } = this.#place;
    const base = this.#base;
    if (compareExchange(words, base, seen, seen & FLAGS | ABANDONED) !== seen) return;
    notify(space, base + READ_POINT, EVERYBODY);
    notify(space, base + WRITE_POINT, 1);
  }

  #keepWritersOff(): void {
    const { words } = this.#place;
    store(words, this.#base + KEEPER_OF_WRITERS, this.#place.space.id);
    or(words, this.#base, WRITERS_OFF);
  }

  #leaveRead(): void {
    if ((and(this.#place.words, this.#base, ~WRITERS_OFF) & WRITERS_OFF) !== 0) {
      notify(this.#place.space, this.#base + WRITE_POINT, 1);
    }
  }

  #leaveWrite(): void {
    const { words, space } = this.#place;
    const base = this.#base;
    // Others that wait set their bars again.
    const bars = load(words, base + KEEPER_OF_READERS) === space.id ? READERS_OFF | BARRED : BARRED;
    const before = and(words, base, ~bars) & bars;
    if ((before & READERS_OFF) !== 0) notify(space, base + READ_POINT, EVERYBODY);
    if ((before & BARRED) !== 0) notify(space, base + WRITE_POINT, 1);
  }

  #isWriter(): boolean {
    const seen = load(this.#place.words, this.#base);
    return seen >>> WRITER_SHIFT === this.#place.space.id && (seen & CLAIM) === 0;
  }

  #takeSlot(): number {
    return this.#slot = findSlot(this.#place.space, this.#base + SLOTS);
  }

  // What a reader takes back: a writer may have seen it and sleep now.
  #setCount(slot: number, count: number): void {
    store(this.#place.words, slot + COUNT, count);
    if (count === 0) notify(this.#place.space, this.#base + WRITE_POINT, 1);
  }

  #expired(action: string, timeout: number): never {
    throw new TimeoutError(`Cannot ${action} as the lock was held for all of the ${timeout} ms of 'timeout'`);
  }

  #giveBackRead(epoch: number): void {
    const { words, space, at } = this.#place;
    const slot = this.#slot;
    // Else what it stands for was taken from this thread, or the slot went to another when this one was taken for dead.
    if (at < 0 || epoch !== epochOf(space, slot) || load(words, slot) !== space.id) return;
    this.#setCount(slot, words[slot + COUNT] - 1);
  }

  #giveBackWrite(acquisition: number): void {
    if (this.#place.at < 0) return;
    const { words, space } = this.#place;
    const base = this.#base;
    // Else the lock was taken from this thread, which may write again by now.
    if (!this.#isWriter() || words[base + ACQUISITION] !== acquisition) return;
    // Before the word: who finds the word free has to find that there was a writer.
    store(words, base + PHASE, (words[base + PHASE] + 1) | 0);
    if (this.#setWord(WRITERS_OFF | BARRED, 0) === undefined) return;
    notify(space, base + READ_POINT, EVERYBODY);
    notify(space, base + WRITE_POINT, 1);
  }
}

class ReadGuard implements Guard {
  readonly #lock: RWLock;
  readonly abandoned: boolean;
  readonly #epoch: number;
  #spent = false;

  constructor(lock: RWLock, abandoned: boolean) {
    this.#lock = lock;
    this.abandoned = abandoned;
    this.#epoch = epochFor(lock);
  }

  get [REFUSAL](): string {
    return WHY_NOT;
  }

  [Symbol.dispose](): void {
    if (this.#spent) return;
    this.#spent = true;
    giveBackRead(this.#lock, this.#epoch);
  }
}

class WriteGuard implements Guard {
  readonly #lock: RWLock;
  readonly #acquisition: number;
  readonly abandoned: boolean;
  #spent = false;

  constructor(lock: RWLock, acquisition: number, abandoned: boolean) {
    this.#lock = lock;
    this.#acquisition = acquisition;
    this.abandoned = abandoned;
  }

  get [REFUSAL](): string {
    return WHY_NOT;
  }

  [Symbol.dispose](): void {
    if (this.#spent) return;
    this.#spent = true;
    giveBackWrite(this.#lock, this.#acquisition);
  }
}

/**
 * How often what a slot's thread read under was taken from it, where that ever happened: older guards are spent. The two
 * memories have slots at the same addresses.
 */
const epochs = new Map<Space, Map<number, number>>();

function epochOf(space: Space, slot: number): number {
  return epochs.size === 0 ? 0 : epochs.get(space)?.get(slot) ?? 0;
}

function isHeld(space: Space, at: number): boolean {
  const { words } = space;
  const base = baseOf(at);
  const seen = load(words, base);
  if (seen >>> WRITER_SHIFT === space.id && (seen & CLAIM) === 0) return true;
  const slot = existingSlot(space, base + SLOTS);
  return slot !== 0 && words[slot + COUNT] > 0;
}

// As if this thread had ended.
function abandon(space: Space, at: number): void {
  const { words } = space;
  const base = baseOf(at);
  const slot = existingSlot(space, base + SLOTS);
  if (slot !== 0 && words[slot + COUNT] > 0) {
    let its = epochs.get(space);
    if (its === undefined) epochs.set(space, its = new Map());
    its.set(slot, epochOf(space, slot) + 1);
    store(words, slot + COUNT, 0);
  }
  for (;;) {
    const seen = load(words, base);
    if (seen >>> WRITER_SHIFT !== space.id) break;
    if (compareExchange(words, base, seen, NOBODY << WRITER_SHIFT | seen & FLAGS) === seen) break;
  }
  notify(space, base + READ_POINT, EVERYBODY);
  notify(space, base + WRITE_POINT, 1);
}

function baseOf(at: number): number {
  return (at + LINE - 1) & ~(LINE - 1);
}

// Whether the lock has been free for a while for one who is kept off.
function hasLapsed(waiting: Waiting): boolean {
  const time = now();
  if (waiting.since === 0) waiting.since = time;
  return time - waiting.since >= LAPSE;
}

// Returns when the word is not that claim any more. Whoever claims is not asleep but between two instructions, unless it is
// dead.
function awaitClaim(space: Space, base: number, claim: number): void {
  const { words, memory } = space;
  for (let i = 0; i < CLAIM_SPINS; i++) {
    if (load(words, base) !== claim) return;
    pause();
  }
  while (load(words, base) === claim) {
    if (!isAlive(memory, claim >>> WRITER_SHIFT)) {
      compareExchange(words, base, claim, claim & FLAGS);
      return;
    }
    // Nobody notifies this word: a claim is gone after a look at the slots, or when the system lets its thread run again.
    memory.wait(base, claim, 1);
  }
}

registerClass("thread", RWLOCK, RWLock);
defineKind(RWLOCK, { isHeld, abandon, destroy: (space, at) => freeBlocks(space, baseOf(at) + SLOTS) });
