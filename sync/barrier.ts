/**
 * A place where threads wait for each other.
 *
 * ```text
 *   0…3    the generations of waiters: see _generations.ts, which also detects deaths
 *   4      the address of the action's description, 0: there is no action. _barrier_action.ts brings the action to the thread
 *          that runs it
 *   5, 6   the timeout in milliseconds, as a float
 * ```
 *
 * The creator writes words 4 to 6 before any other thread can see the barrier. After that they are only read.
 *
 * @module
 */

import { load, now } from "../_internal/atomics.ts";
import { BrokenBarrierError } from "../_internal/errors.ts";
import { BARRIER, defineKind, registerClass } from "../_internal/memory/kinds.ts";
import {
  addReference,
  dropReference,
  type Place,
  placeOf,
  scopeOfClass,
  SharedObject,
  type SharedOptions,
  unusable,
} from "../_internal/memory/shared_object.ts";
import { OBJECT_HEADER } from "../_internal/memory/memory.ts";
import { type Space, spaceOf } from "../_internal/memory/space.ts";
import { type Wait, waitAsync, waitSync } from "../_internal/memory/wait.ts";
import { requireBlocking } from "../_internal/memory/wait_point.ts";
import {
  deadlineOf,
  show,
  validateInteger,
  validateWait,
  type WaitOptions,
  type WaitSyncOptions,
} from "../_internal/options.ts";
import { BarrierAction, describeAction } from "./_barrier_action.ts";
import {
  arrive,
  arrived,
  breakBarrier,
  breakIfDead,
  countWaiting,
  depart,
  fateOf,
  freeGenerations,
  GENERATION_POINT,
  GENERATIONS_WORDS,
  isBroken,
  NO_PLACE,
  NO_ROOM,
  pass,
  resetBarrier,
} from "./_generations.ts";

const ACTION = GENERATIONS_WORDS;
const TIMEOUT = ACTION + 1;
const WORDS = TIMEOUT + 2;

const float = new Float64Array(1);
const floatWords = new Int32Array(float.buffer);

/** Options of the constructor of {@linkcode Barrier}. */
export interface BarrierOptions extends SharedOptions {
  /**
   * A function that the last party to come calls, once in each round, before any party passes. Default: none.
   *
   * In a thread that did not create the barrier, the function is looked up as the target of a thread is: before the
   * thread's target begins, if the barrier comes in its `args`; otherwise by the first `await wait()`.
   */
  action?: () => unknown;
  /** How many milliseconds a `wait` without a `timeout` of its own waits. Default: `Infinity`, which waits forever. */
  timeout?: number;
}

/**
 * A place where a fixed number of threads or promises wait for each other: all pass when the last has come, and it can
 * be used again.
 *
 * - **Visibility.** What was written to shared memory before a `wait` is visible to all parties after it.
 * - **Broken.** When a party gives up (by its timeout or signal) or ends while it waits, or the `action` throws, the
 *   barrier breaks. All waiters get a {@linkcode BrokenBarrierError}, and so does every later `wait` until
 *   {@linkcode Barrier.reset}. A death is noticed within a second.
 *
 * Python: `threading.Barrier`.
 *
 * @example
 * ```ts
 * import { Barrier } from "@weft/concurrent/sync";
 * import { assertEquals } from "@std/assert";
 *
 * let rounds = 0;
 * const barrier = new Barrier(2, { action: () => ++rounds });
 * const indexes = await Promise.all([barrier.wait(), barrier.wait()]);
 * assertEquals(indexes.sort(), [0, 1]);
 * assertEquals(rounds, 1);
 * ```
 */
export class Barrier extends SharedObject {
  readonly #place: Place = placeOf(this);
  readonly #parties: number;
  readonly #timeout: number;
  readonly #action: BarrierAction | undefined;

  /**
   * Creates a barrier, or opens the barrier of the given name. A barrier that is opened keeps the action and the
   * timeout that it was created with.
   *
   * @param parties How many parties must come before all pass: 1 or more.
   * @param options The action, the timeout in milliseconds, the name.
   * @throws {RangeError} If `parties` is less than 1 or not a whole number, `timeout` is negative, or the shared memory
   * is full.
   * @throws {TypeError} If `action` is not a function; if the name belongs to something else, or to a barrier with
   * another number of parties.
   */
  constructor(parties: number, options?: BarrierOptions) {
    super(new.target, options, () => {
      const action = "create barrier";
      validateInteger(parties, "'parties'", 1, 0x3fffffff, action);
      const timeout = options === null ? Infinity : validateWait(options && { timeout: options.timeout }, action);
      const run = options?.action;
      if (run !== undefined && typeof run !== "function") {
        throw new TypeError(`Cannot ${action} as 'action' must be a function: received ${show(run)}`);
      }
      // Here, while the caller is on the stack, which shows the modules that the action may come from.
      const description = run === undefined ? undefined : describeAction(run);
      const scope = scopeOfClass(new.target);
      return {
        action,
        kind: BARRIER,
        words: WORDS,
        first: parties,
        initialize: (words, at) => {
          if (description !== undefined) words[at + ACTION] = spaceOf(scope).writeBlock(description, "create barrier");
          float[0] = timeout;
          words[at + TIMEOUT] = floatWords[0];
          words[at + TIMEOUT + 1] = floatWords[1];
        },
      };
    });
    const { at, space, words } = this.#place;
    if (at < 0) {
      this.#parties = 0;
      this.#timeout = 0;
      return;
    }
    this.#parties = load(words, at - OBJECT_HEADER + 2);
    floatWords[0] = load(words, at + TIMEOUT);
    floatWords[1] = load(words, at + TIMEOUT + 1);
    this.#timeout = float[0];
    const description = load(words, at + ACTION);
    if (description !== 0) {
      this.#action = new BarrierAction(space, description, options?.action);
    }
  }

  /**
   * Waits, without blocking the event loop, until all parties have come.
   *
   * A party that gives up breaks the barrier, so that the others do not wait for it forever.
   *
   * Python: `threading.Barrier.wait`.
   *
   * @param options `timeout` in milliseconds, instead of the barrier's, and `signal`.
   * @returns A number from 0 to {@linkcode Barrier.parties} - 1, different for each party.
   * @throws {BrokenBarrierError} If the barrier is broken, or breaks before all have come, also by the timeout of this
   * wait.
   * @throws {RangeError} If `timeout` is negative or NaN, or the shared memory is full.
   * @throws What the action throws, if this party is the last to come. The barrier is broken then.
   * @throws {TargetError} If the action cannot run in this thread.
   * @throws The signal's reason, if it is aborted first. The barrier is broken then, unless all had come, or the signal
   * was aborted before the call.
   *
   * @example
   * ```ts
   * import { Barrier } from "@weft/concurrent/sync";
   * import { assertEquals } from "@std/assert";
   *
   * const start = new Barrier(2, { timeout: 5_000 });
   * const log: string[] = [];
   *
   * async function run(name: string): Promise<void> {
   *   log.push(`${name} is ready`);
   *   await start.wait();
   *   log.push("go");
   * }
   *
   * await Promise.all([run("Ann"), run("Ben")]);
   * assertEquals(log, ["Ann is ready", "Ben is ready", "go", "go"]);
   * ```
   */
  async wait(options?: WaitOptions): Promise<number> {
    const { at } = this.#place;
    const timeout = this.#check(options);
    const signal = options?.signal;
    signal?.throwIfAborted();
    const deadline = deadlineOf(timeout);
    const action = this.#action;
    if (action !== undefined && !action.isFound) {
      await action.find();
      signal?.throwIfAborted();
      if (this.#place.at < 0) unusable(this, "wait at barrier");
    }
    const index = this.#arrive();
    const generation = arrived;
    try {
      if (index === this.#parties - 1) {
        if (action !== undefined) await this.#runAsync(generation, action, signal);
        return index;
      }
      const left = Math.max(0, deadline - now());
      return await waitAsync(this.#place, this.#turn(at, generation, index, timeout), left, signal);
    } finally {
      this.#depart(at, generation);
    }
  }

  /**
   * Blocks this thread until all parties have come.
   *
   * A party that gives up breaks the barrier, so that the others do not wait for it forever.
   *
   * Python: `threading.Barrier.wait`.
   *
   * @param options `timeout` in milliseconds, instead of the barrier's.
   * @returns A number from 0 to {@linkcode Barrier.parties} - 1, different for each party.
   * @throws {BrokenBarrierError} If the barrier is broken, or breaks before all have come, also by the timeout of this
   * wait.
   * @throws {RangeError} If `timeout` is negative or NaN, or the shared memory is full.
   * @throws What the action throws, if this party is the last to come. The barrier is broken then.
   * @throws {TypeError} If the action returns a promise and this party is the last to come: nothing can be awaited
   * here. The barrier is broken then.
   * @throws {TargetError} If the action cannot run in this thread, or was not looked up in it yet, since the barrier
   * did not come in the thread's `args` and nothing has awaited {@linkcode Barrier.wait}. The caller does not count as
   * having come.
   */
  waitSync(options?: WaitSyncOptions): number {
    const { space, at } = this.#place;
    const timeout = this.#check(options);
    // Before this party counts as having come: if it could not wait, it would break the barrier for all.
    requireBlocking();
    const action = this.#action;
    action?.check();
    const index = this.#arrive();
    const generation = arrived;
    try {
      if (index === this.#parties - 1) {
        if (action !== undefined) this.#run(generation, action);
        return index;
      }
      return waitSync(space, this.#turn(at, generation, index, timeout), timeout);
    } finally {
      this.#depart(at, generation);
    }
  }

  /**
   * Restores the barrier to its initial state.
   *
   * Waiters get a {@linkcode BrokenBarrierError}. A generation whose action is already running counts as passed and is
   * not affected.
   *
   * Python: `threading.Barrier.reset`.
   *
   * @example
   * ```ts
   * import { Barrier, BrokenBarrierError } from "@weft/concurrent/sync";
   * import { assert, assertRejects } from "@std/assert";
   *
   * const barrier = new Barrier(2);
   * await assertRejects(() => barrier.wait({ timeout: 5 }), BrokenBarrierError);
   * assert(barrier.broken);
   * barrier.reset();
   * await Promise.all([barrier.wait(), barrier.wait()]);
   * assert(!barrier.broken);
   * ```
   */
  reset(): void {
    if (this.#place.at < 0) unusable(this, "reset barrier");
    this.#place.space.endIfKilled();
    resetBarrier(this.#place.space, this.#place.at);
  }

  /**
   * Breaks the barrier: waiters, and every later `wait`, get a {@linkcode BrokenBarrierError}, until
   * {@linkcode Barrier.reset}.
   *
   * Call it when a party will not arrive, so that the others do not wait forever. A generation whose action is already
   * running is not affected.
   *
   * Python: `threading.Barrier.abort`.
   *
   * @example
   * ```ts
   * import { Barrier, BrokenBarrierError } from "@weft/concurrent/sync";
   * import { assertRejects } from "@std/assert";
   *
   * const barrier = new Barrier(2);
   * const waiting = barrier.wait();
   * barrier.abort();
   * await assertRejects(() => waiting, BrokenBarrierError);
   * ```
   */
  abort(): void {
    if (this.#place.at < 0) unusable(this, "abort barrier");
    this.#place.space.endIfKilled();
    breakBarrier(this.#place.space, this.#place.at, 0);
  }

  /**
   * How many parties must come before all pass.
   *
   * Python: `threading.Barrier.parties`.
   */
  get parties(): number {
    if (this.#place.at < 0) unusable(this, "read barrier");
    return this.#parties;
  }

  /**
   * How many parties wait now. Out of date as soon as it is read.
   *
   * Python: `threading.Barrier.n_waiting`.
   */
  get nWaiting(): number {
    if (this.#place.at < 0) unusable(this, "read barrier");
    this.#place.space.endIfKilled();
    return countWaiting(this.#place.space, this.#place.at);
  }

  /**
   * Whether the barrier is broken. Out of date as soon as it is read.
   *
   * Python: `threading.Barrier.broken`.
   */
  get broken(): boolean {
    if (this.#place.at < 0) unusable(this, "read barrier");
    this.#place.space.endIfKilled();
    return isBroken(this.#place.space, this.#place.at);
  }

  #check(options: WaitOptions | undefined): number {
    if (this.#place.at < 0) unusable(this, "wait at barrier");
    const timeout = validateWait(options, "wait at barrier");
    return options?.timeout === undefined ? this.#timeout : timeout;
  }

  /** The wait for the others. */
  #turn(at: number, generation: number, index: number, timeout: number): Wait<number> {
    const { space } = this.#place;
    return {
      point: generation + GENERATION_POINT,
      attempt: (woken) => outcome(space, at, generation, index, woken),
      // The last party may have come just before the timeout.
      expired: () => outcome(space, at, generation, index, 0, () => this.#expired(timeout))!,
      abandoned: () => breakBarrier(space, at, generation),
    };
  }

  // A waiter holds a reference to the barrier: its words must not become another object's when a handle is disposed of.
  #arrive(): number {
    const { space, at } = this.#place;
    // A getter of the options may have disposed of it.
    if (at < 0) unusable(this, "wait at barrier");
    const index = arrive(space, at, this.#parties, this.#action !== undefined);
    if (index === NO_PLACE) {
      throw new BrokenBarrierError("Cannot wait at barrier as it is broken: reset() makes it whole");
    }
    if (index === NO_ROOM) {
      throw new RangeError(
        `Cannot wait at barrier as the shared memory has no room for ${this.#parties} parties: reserve more with configure({ memory }) before the first use`,
      );
    }
    addReference(space, at - OBJECT_HEADER);
    return index;
  }

  #depart(at: number, generation: number): void {
    const { space } = this.#place;
    depart(space, at, generation);
    dropReference(space, at - OBJECT_HEADER);
  }

  #run(generation: number, action: BarrierAction): void {
    const { space, at } = this.#place;
    try {
      const result = action.call();
      if (isPromiseLike(result)) {
        // No caller will see its rejection.
        result.then(undefined, () => {});
        throw new TypeError(
          "Cannot wait at barrier as its action returned a promise, which waitSync() cannot await: use await wait(), or an action that is not async",
        );
      }
    } catch (error) {
      breakBarrier(space, at, generation);
      throw error;
    }
    if (!pass(space, at, generation)) throwBroken();
  }

  async #runAsync(generation: number, action: BarrierAction, signal: AbortSignal | undefined): Promise<void> {
    const { space, at } = this.#place;
    try {
      const result = action.call();
      if (isPromiseLike(result)) await orAborted(result, signal);
      signal?.throwIfAborted();
    } catch (error) {
      breakBarrier(space, at, generation);
      throw error;
    }
    if (!pass(space, at, generation)) throwBroken();
  }

  #expired(timeout: number): never {
    throw new BrokenBarrierError(
      `Cannot pass barrier as not all ${this.#parties} parties came within the ${timeout} ms of 'timeout': it is broken now, reset() makes it whole`,
    );
  }
}

function outcome(
  space: Space,
  at: number,
  generation: number,
  index: number,
  woken: number,
  broken: () => never = throwBroken,
): number | undefined {
  if (woken > 0) breakIfDead(space, at, generation);
  const fate = fateOf(space, generation);
  if (fate === undefined) return undefined;
  // The request that this thread end may have broken the barrier. Its program must not see that error.
  space.endIfKilled();
  return fate ? index : broken();
}

function throwBroken(): never {
  throw new BrokenBarrierError(
    "Cannot pass barrier as it was broken meanwhile: another party gave up or ended, the action failed, or abort() or reset() was called",
  );
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

async function orAborted(promise: PromiseLike<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) {
    await promise;
    return;
  }
  let stop!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

registerClass("thread", BARRIER, Barrier);
defineKind(BARRIER, {
  destroy: (space, at) => {
    freeGenerations(space, at);
    const description = load(space.words, at + ACTION);
    if (description !== 0) space.free(description);
  },
});
