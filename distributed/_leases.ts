/**
 * Permits that programs hold for a limited time. A lock has one permit, a semaphore several.
 *
 * The server keeps a list of holders and a list of waiters. A holder counts its beat up three times in its lease. No
 * clock is compared with another: a waiter that has seen the same beat for the length of the lease, on its own clock
 * and while the server was there, treats the holder as gone. The holder considers its lease lost when the length of the
 * lease has passed since it sent the last beat that the server has confirmed. That is earlier than for any waiter,
 * since each has seen that beat later.
 *
 * ```text
 *   absent ──▶ waits ──first in line, or those before it do nothing──▶ holds ──gives back──▶ absent
 *                ▲                                                      │
 *                └───── a waiter that is presumed gone ─────────┐       └─ same beat for a lease ──▶ lost
 * ```
 *
 * Programs change the lists only by compare-and-set, so that of two programs that take the last permit only one
 * succeeds. A program that is frozen between a look at its lease and its next step may still act after its lease is
 * lost. The token protects from that.
 *
 * @module
 */

import { Document, type Step } from "./_document.ts";
import { type Named, within } from "./_line.ts";
import { Beats, type Holder, Patience, type Permits, without } from "./_lease_list.ts";
import { LeaseLostError } from "./fleet_errors.ts";

/** By how much the age of an entry may be misread: milliseconds. */
const LATE = 100;
/** How many beats a holder sends in each lease. */
const BEATS = 3;
/**
 * How many tokens there are for each millisecond. Tokens begin with the time of day, so they grow even if the server
 * has lost its files.
 */
const TOKENS = 1000;

/**
 * A permit that a program holds for a limited time: of a {@linkcode Lock} or a {@linkcode Semaphore}. It is prolonged
 * three times in each `lease`, while the program's event loop runs and its connection is there.
 *
 * Python has no equivalent.
 *
 * @example
 * ```ts
 * import { devServer, type Lease, Lock } from "@weft/concurrent/distributed";
 * import { assert } from "@std/assert";
 *
 * await using server = await devServer();
 * const lock = new Lock({ name: "ledger", connect: server.url });
 * const lease: Lease = await lock.acquire();
 * assert(lease.isHeld && !lease.abandoned);
 * await lease.release();
 * assert(!lease.isHeld);
 * ```
 */
export interface Lease extends Disposable, AsyncDisposable {
  /**
   * A number greater than the token of every earlier holder. Send it to what the lock protects, and have that refuse a
   * lower token. Only this protects from a holder that was frozen and goes on after its lease has run out.
   */
  readonly token: number;
  /**
   * Whether an earlier holder has let its lease run out instead of giving it back: what the lock protects may be half
   * changed.
   */
  readonly abandoned: boolean;
  /** Whether the permit is held: not given back and not run out, as far as this program can know. */
  readonly isHeld: boolean;
  /** Aborted with a {@linkcode LeaseLostError} if the lease runs out before it is given back. */
  readonly lost: AbortSignal;
  /**
   * Gives the permit back. Resolves when the server has confirmed it; `isHeld` is `false` at once.
   *
   * @returns Whether the permit was held until then.
   * @throws {EngineError} If the server was away for too long. The lease then runs out by itself.
   */
  release(): Promise<boolean>;
  /** Gives the permit back without waiting for the server, and ignores errors. */
  [Symbol.dispose](): void;
}

/** The permits of one name, as one object sees them. */
export class Leases {
  readonly #named: Named;
  readonly #what: string;
  readonly #limit: number;
  readonly #lease: number;
  readonly #document: Document<Permits>;
  readonly #beats: Beats = new Beats();
  /** The leases of this object that are not given back, the oldest first. */
  readonly held: Set<HeldLease> = new Set();

  constructor(named: Named, what: "lock" | "semaphore", limit: number, lease: number) {
    this.#named = named;
    this.#what = `${what} "${named.name}"`;
    this.#limit = limit;
    this.#lease = lease;
    this.#document = new Document(
      named.asking,
      `${what}.${named.name}`,
      () => ({ limit: 0, holders: [], waiters: [], lastToken: 0, abandoned: 0 }),
    );
  }

  /** How many permits are free. */
  async free(): Promise<number> {
    const { limit, holders } = this.#checked(await this.#document.read(`read ${this.#what}`));
    return limit - holders.length;
  }

  // The first program that uses the name determines how many permits there are.
  #checked(permits: Permits): Permits {
    if (permits.limit === 0) return { ...permits, limit: this.#limit };
    if (permits.limit === this.#limit) return permits;
    throw new TypeError(
      `Cannot use ${this.#what} with ${this.#limit} permits as it was made with ${permits.limit}: use the same number everywhere, or unlink() it`,
    );
  }

  /** Takes a permit if one is free now, even if there are waiters, which keep waiting. */
  async tryAcquire(): Promise<HeldLease | undefined> {
    const id = newId();
    const taken = await this.#tryTake(id, false);
    return taken && this.#begin(id, taken);
  }

  // Takes a permit that is free, or whose holder is gone, without waiting in line. `isPolite`: only if nothing waits in
  // line.
  async #tryTake(id: string, isPolite: boolean, signal?: AbortSignal): Promise<Taken | undefined> {
    const action = `acquire ${this.#what}`;
    const take = (gone: readonly Holder[]): Promise<Taken | undefined> =>
      this.#document.change(action, (kept) => {
        const permits = without(this.#checked(kept), gone);
        const isFree = permits.holders.length < permits.limit && !(isPolite && permits.waiters.length > 0);
        return isFree ? this.#take(permits, id) : { result: undefined };
      }, signal);
    const taken = await take([]);
    if (taken !== undefined) return taken;
    const gone = await this.#gone(action, signal);
    return gone.length === 0 ? undefined : await take(gone);
  }

  // Holders that are gone. Either the entry has not been written for longer than the lease, by the server's clock, or
  // this object has seen the same beat for that long. Time in which the server was away counts: a holder that cannot
  // beat considers its lease lost.
  async #gone(action: string, signal?: AbortSignal): Promise<Holder[]> {
    const { value, age = 0 } = await this.#document.readWithAge(action, signal);
    const permits = this.#checked(value);
    const seen = this.#beats.goneOf(permits, -Infinity);
    return permits.holders.filter((holder) => age > holder.lease + LATE || seen.includes(holder));
  }

  /** Waits for a permit; `undefined`: the time has passed. */
  async acquire(timeout: number, signal: AbortSignal | undefined): Promise<HeldLease | undefined> {
    const id = newId();
    const run = async (end: AbortSignal): Promise<HeldLease> => {
      try {
        return await this.#wait(id, end);
      } catch (error) {
        void this.#leave(id, false, true).catch(() => {});
        throw error;
      }
    };
    const taken = await within(timeout, signal, run, (late) => void late.giveUp().catch(() => {}));
    return taken?.result;
  }

  async #wait(id: string, end: AbortSignal): Promise<HeldLease> {
    const action = `acquire ${this.#what}`;
    const taken = await this.#tryTake(id, true, end);
    if (taken !== undefined) return this.#begin(id, taken);
    const others = new Patience();
    let gone: readonly Holder[] = [];
    let isNext = false;
    for (;;) {
      const taken = await this.#document.change(
        action,
        (kept) => this.#step(this.#checked(kept), id, gone, isNext),
        end,
      );
      if (taken !== undefined) return this.#begin(id, taken);
      await this.#document.until(
        action,
        (permits, backSince) => {
          gone = this.#beats.goneOf(this.#checked(permits), backSince);
          isNext = others.isNext(permits, id);
          return gone.length > 0 || isNext || !permits.waiters.includes(id) ? true : undefined;
        },
        end,
        () => Math.min(this.#beats.soonest, others.soonest),
      );
    }
  }

  // A step of a waiter: it takes a permit, or stands in line.
  #step(permits: Permits, id: string, gone: readonly Holder[], isNext: boolean): Step<Permits, Taken | undefined> {
    // Holders with a new beat are not gone.
    const now = without(permits, gone);
    const lost = permits.holders.length - now.holders.length;
    const free = now.limit - now.holders.length;
    const position = now.waiters.indexOf(id);
    const before = position < 0 ? now.waiters.length : position;
    if (free > before || position >= 0 && free > 0 && isNext) {
      // Waiters that were passed over leave the list. If they are still there, they line up again.
      return this.#take(free > before ? now : { ...now, waiters: now.waiters.slice(before) }, id);
    }
    if (position >= 0) return lost > 0 ? { next: now, result: undefined } : { result: undefined };
    return { next: { ...now, waiters: [...now.waiters, id] }, result: undefined };
  }

  #take(permits: Permits, id: string): Step<Permits, Taken> {
    const token = Math.max(permits.lastToken + 1, Date.now() * TOKENS);
    return {
      next: {
        ...permits,
        holders: [...permits.holders, { id, beat: 0, lease: this.#lease, isMarked: permits.abandoned > 0 }],
        waiters: permits.waiters.filter((waiter) => waiter !== id),
        lastToken: token,
        abandoned: Math.max(0, permits.abandoned - 1),
      },
      result: { token, abandoned: permits.abandoned > 0, since: performance.now() },
    };
  }

  #begin(id: string, { token, abandoned, since }: Taken): HeldLease {
    const { line } = this.#named.asking;
    // The connection stays open while a lease is held: without beats the lease would be lost.
    const borrowed = line.borrow();
    borrowed.catch(() => {});
    const held: HeldLease = new HeldLease(token, abandoned, this.#lease, since, {
      what: this.#what,
      beat: () => this.#beat(id),
      leave: (isLost, isUnused) => this.#leave(id, isLost, isUnused),
      over: () => {
        this.held.delete(held);
        void borrowed.then(() => line.giveBack(), () => {});
      },
    });
    this.held.add(held);
    return held;
  }

  /** Counts the beat up. Resolves with the time at which it was sent; `undefined`: this is no holder any more. */
  #beat(id: string): Promise<number | undefined> {
    return this.#document.change(`prolong lease of ${this.#what}`, (permits) => {
      const holders = permits.holders.map((each) => each.id === id ? { ...each, beat: each.beat + 1 } : each);
      if (!permits.holders.some((each) => each.id === id)) return { result: undefined };
      return { next: { ...permits, holders }, result: performance.now() };
    });
  }

  /**
   * Removes a holder or waiter from the lists. `isLost`: its lease has run out; `isUnused`: no caller got the lease.
   * Resolves with whether it was a holder.
   */
  #leave(id: string, isLost = false, isUnused = false): Promise<boolean> {
    return this.#document.change(`release ${this.#what}`, (permits) => {
      const holders = permits.holders.filter((holder) => holder.id !== id);
      const waiters = permits.waiters.filter((waiter) => waiter !== id);
      const holder = permits.holders.find((each) => each.id === id);
      const isHolder = holder !== undefined;
      if (!isHolder && waiters.length === permits.waiters.length) return { result: false };
      const abandoned = permits.abandoned + Number(isHolder && (isLost || isUnused && holder.isMarked));
      return { next: { ...permits, holders, waiters, abandoned }, result: isHolder };
    });
  }

  async unlink(): Promise<void> {
    await this.#document.remove(`unlink ${this.#what}`);
  }
}

interface Taken {
  readonly token: number;
  readonly abandoned: boolean;
  /** When the successful attempt was sent. */
  readonly since: number;
}

function newId(): string {
  return crypto.randomUUID().slice(0, 13).replace("-", "");
}

/** What a lease needs from its permits. */
interface LeaseHost {
  readonly what: string;
  beat(): Promise<number | undefined>;
  leave(isLost: boolean, isUnused: boolean): Promise<boolean>;
  over(): void;
}

/** A permit that this program holds. */
export class HeldLease implements Lease {
  readonly #host: LeaseHost;
  readonly #lease: number;
  readonly #lost = new AbortController();
  /** When the last beat was sent that the server has confirmed. */
  #since: number;
  #isOver = false;
  #isBeating = false;
  #releasing: Promise<boolean> | undefined;
  readonly #beats: ReturnType<typeof setInterval>;
  #end: ReturnType<typeof setTimeout> | undefined;
  readonly token: number;
  readonly abandoned: boolean;

  constructor(token: number, abandoned: boolean, lease: number, since: number, host: LeaseHost) {
    this.token = token;
    this.abandoned = abandoned;
    this.#host = host;
    this.#lease = lease;
    this.#since = since;
    this.#beats = setInterval(() => void this.#beat(), lease / BEATS);
    this.#watch();
  }

  get isHeld(): boolean {
    return !this.#isOver && performance.now() - this.#since < this.#lease;
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  #watch(): void {
    clearTimeout(this.#end);
    this.#end = setTimeout(() => this.#lose(), Math.max(0, this.#since + this.#lease - performance.now()));
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) return;
    this.#isBeating = true;
    try {
      const since = await this.#host.beat();
      if (this.#isOver) return;
      // After the event loop was blocked, this may run before the timer at the end of the lease. A lease that was lost
      // once stays lost.
      if (since === undefined || !this.isHeld) return this.#lose();
      this.#since = since;
      this.#watch();
    } catch {
      // The next beat may succeed. If none does, the lease runs out.
    } finally {
      this.#isBeating = false;
    }
  }

  #lose(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#lost.abort(new LeaseLostError(`The lease of ${this.#host.what} has run out: another program may hold it`));
    // The server may still list it as a holder, if no program waits.
    void this.#host.leave(true, false).catch(() => {});
  }

  #finish(): void {
    this.#isOver = true;
    clearInterval(this.#beats);
    clearTimeout(this.#end);
    this.#host.over();
  }

  /** Gives back a permit that no caller got. */
  giveUp(): Promise<boolean> {
    return this.#giveBack(true);
  }

  release(): Promise<boolean> {
    return this.#giveBack(false);
  }

  #giveBack(isUnused: boolean): Promise<boolean> {
    // The event loop was blocked, and this runs before the timer at the end of the lease.
    if (!this.#isOver && !this.isHeld) this.#lose();
    if (this.#releasing !== undefined) return this.#releasing;
    if (this.#isOver) return Promise.resolve(false);
    const { isHeld } = this;
    const releasing = this.#releasing = this.#host.leave(false, isUnused).then((isHolder) => isHolder && isHeld);
    this.#finish();
    return releasing;
  }

  [Symbol.dispose](): void {
    this.release().catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
