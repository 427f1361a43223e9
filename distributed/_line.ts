/**
 * The connection of a program to the store of a fleet, which all its named objects share. It is there while something is done with
 * them or waited for, and for a moment longer: an object that is not used any more keeps no program alive.
 *
 * @module
 */

import { REFUSAL } from "../_internal/codec/refusal.ts";
import { InvalidStateError, QueueShutDownError } from "../_internal/errors.ts";
import { optionsOr, requireNames, show } from "../_internal/options.ts";
import { importingModule } from "../_internal/runtime/this_thread.ts";
import { addressOf, addressOfEnvironment, type ConnectOptions } from "./_address.ts";
import { connectNatsStore } from "./_nats_store.ts";
import { connectPatiently } from "./_patience.ts";
import type { Store } from "./_store.ts";
import { EngineError } from "./fleet_errors.ts";
import { validateFleet } from "./pool.ts";

/** What every object of a fleet is made with. */
export interface NamedOptions {
  /** What all programs call it: up to 64 letters, digits, `-` and `_`. Each kind of object has names of its own. */
  name: string;
  /** Where the engine is, as of a pool's `connect`. By default what the environment variable `WEFT_CONNECT` says. */
  connect?: string | ConnectOptions;
  /** Objects of one fleet find each other. By default `default`. */
  fleet?: string;
  /**
   * For how many milliseconds the engine may be away: then what is asked of the object rejects with `EngineError`. By default 30,000; a
   * first connection is tried for 5,000 at most.
   */
  engineTimeout?: number;
}

// Times in milliseconds.
const ENGINE_TIMEOUT = 30_000;
/** How long the connection stays that nothing uses. */
const LINGER = 500;
/** How soon a question is asked again that has failed. */
const AGAIN = 50;
/** No single answer takes so long. */
const LONG = 5000;

/** A connection that is there while it is used. */
export class Line {
  readonly #connect: () => Promise<Store>;
  #opening: Promise<Store> | undefined;
  #store: Store | undefined;
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether there was a connection before. */
  wasThere = false;

  constructor(connect: () => Promise<Store>) {
    this.#connect = connect;
  }

  /** Whether there is a connection, as far as is known. */
  get isThere(): boolean {
    return this.#store !== undefined && !this.#store.isClosed && this.#store.awaySince === undefined;
  }

  /** The store, until {@linkcode Line.giveBack}. */
  async borrow(): Promise<Store> {
    this.#users++;
    clearTimeout(this.#timer);
    try {
      return await (this.#opening ??= this.#open());
    } catch (error) {
      this.giveBack();
      throw error;
    }
  }

  async #open(): Promise<Store> {
    try {
      const store = await this.#connect();
      this.wasThere = true;
      this.#store = store;
      store.onGone(() => this.#opening = undefined);
      return store;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }

  giveBack(): void {
    if (--this.#users > 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const opening = this.#opening;
      this.#opening = undefined;
      void opening?.then((store) => store.close(), () => {});
    }, LINGER);
  }
}

/** Asks a store until it answers. */
export class Asking {
  constructor(readonly line: Line, readonly engineTimeout: number) {}

  /**
   * The store, until {@linkcode Line.giveBack}. One that was there before is waited for; elsewhere the address is wrong.
   *
   * @throws {EngineError} If it cannot be reached.
   */
  async borrow(signal?: AbortSignal): Promise<Store> {
    for (const began = performance.now();;) {
      try {
        return await this.#soon(this.line.borrow());
      } catch (error) {
        const isOver = signal?.aborted === true || performance.now() - began > this.engineTimeout;
        if (isOver || !this.line.wasThere) throw error;
      }
      await pause(AGAIN, signal);
    }
  }

  // A first connection takes its time, of which the caller may have less.
  async #soon(borrowing: Promise<Store>): Promise<Store> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<undefined>((resolve) => {
      if (this.engineTimeout < LONG) timer = setTimeout(() => resolve(undefined), this.engineTimeout);
    });
    try {
      const store = await Promise.race([borrowing, over]);
      if (store !== undefined) return store;
    } finally {
      clearTimeout(timer);
    }
    void borrowing.then(() => this.line.giveBack(), () => {});
    throw new EngineError(`Cannot connect within the ${this.engineTimeout} ms of 'engineTimeout'`);
  }

  /** Why a caller did not get in time what it waits for: for that reason, unless the store is not there. */
  unlessAway(reason: string): string {
    return this.line.isThere ? reason : "the engine did not answer";
  }

  /**
   * Asks, and asks again while the store is away. What is asked may be done twice.
   *
   * @throws {EngineError} If it was away for too long.
   * @throws The signal's reason.
   */
  async ask<T>(action: string, question: (store: Store) => Promise<T>, signal?: AbortSignal): Promise<T> {
    requireMain(action);
    let failingSince: number | undefined;
    for (;;) {
      signal?.throwIfAborted();
      const store = await this.borrow(signal);
      const began = performance.now();
      try {
        const answer = await question(store);
        // It stood still, and does not any more: nothing else says so.
        if (store.awaySince !== undefined) await store.probe();
        return answer;
      } catch (error) {
        if (isFinal(error)) throw error;
        const time = performance.now();
        // An attempt that went well for long begins the patience anew.
        if (failingSince === undefined || time - began > LONG) failingSince = time;
        // What the engine says in words, and what is refused, is no better later. A connection that ends is made anew.
        if (store.awaySince === undefined && !store.isClosed) {
          const { name } = error as Error;
          if (name === "PermissionViolationError" || time - failingSince > this.engineTimeout) {
            throw refused(action, store, error);
          }
          if (await store.probe()) await store.restore();
        } else if (time - failingSince > this.engineTimeout) {
          throw new EngineError(`Cannot ${action} as ${store.place} has been away for ${this.engineTimeout} ms`, {
            cause: error,
          });
        }
      } finally {
        this.line.giveBack();
      }
      await pause(AGAIN, signal);
    }
  }
}

// A worker that imports the program's main module again would take what is that program's, or wait for it for ever.
function requireMain(action: string): void {
  const importing = importingModule();
  if (importing === undefined) return;
  throw new InvalidStateError(
    `Cannot ${action} as ${importing} and is not through yet: put the main part of the program under if (import.meta.main)`,
  );
}

// What the store is asked, and not how.
function isFinal(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof EngineError ||
    error instanceof InvalidStateError ||
    error instanceof QueueShutDownError;
}

function refused(action: string, { place }: Store, error: unknown): EngineError {
  return new EngineError(`Cannot ${action} as ${place} refuses it: ${(error as Error).message}`, { cause: error });
}

/** Waits for so many milliseconds, or until the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal?.addEventListener("abort", over, { once: true });
    if (signal?.aborted) over();
  });
}

/** Wakes what waits. A ring that nothing waits for is heard by the next that does. */
export class Bell {
  #wake: (() => void) | undefined;
  #isRung = false;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Waits for the next ring, for at most so many milliseconds. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (!this.#isRung) {
      const end = new AbortController();
      this.#wake = () => end.abort();
      signal?.addEventListener("abort", this.#wake, { once: true });
      await pause(signal?.aborted ? 0 : ms, end.signal);
      signal?.removeEventListener("abort", this.#wake);
      this.#wake = undefined;
    }
    this.#isRung = false;
  }
}

/** The connections of this program, by address and fleet. */
export const lines: Map<string, Line> = new Map();

/** Has objects of a class refused where they are to be sent. */
export function sendByName(type: { readonly prototype: object }): void {
  const reason = "it is shared by its name: send that, and make the object where it is used";
  Object.defineProperty(type.prototype, REFUSAL, { value: reason });
}

/** What a named object is made of: its name, and what asks its store. */
export interface Named {
  readonly name: string;
  readonly asking: Asking;
}

/**
 * Checks what a named object is made with. `more`: the names of options that it has besides.
 *
 * @throws {TypeError} If an option is of the wrong kind, or there is no name or address.
 * @throws {RangeError} If a number, a name or an address is out of range.
 */
export function namedBy(options: NamedOptions, action: string, more: readonly string[] = []): Named {
  const given = optionsOr(options) as Partial<NamedOptions>;
  requireNames(given, ["name", "connect", "fleet", "engineTimeout", ...more], action);
  const { name, connect = addressOfEnvironment(), engineTimeout = ENGINE_TIMEOUT } = given;
  if (typeof name !== "string") {
    throw new TypeError(
      `Cannot ${action} as 'name' must say what all programs call it, like { name: "ledger" }: received ${show(name)}`,
    );
  }
  if (!/^[\w-]{1,64}$/.test(name)) {
    throw new RangeError(
      `Cannot ${action} as 'name' must have up to 64 letters, digits, - and _, and nothing else: received ${
        show(name)
      }`,
    );
  }
  if (connect === undefined) {
    throw new TypeError(
      `Cannot ${action} as no address is given: set WEFT_CONNECT, or say { connect: "nats://host:4222" }. One for processes of this machine is in @weft/concurrent/multiprocessing`,
    );
  }
  if (typeof engineTimeout !== "number") {
    throw new TypeError(
      `Cannot ${action} as 'engineTimeout' must be a number of milliseconds: received ${show(engineTimeout)}`,
    );
  }
  if (!(engineTimeout >= 0)) {
    throw new RangeError(
      `Cannot ${action} as 'engineTimeout' must be zero or more milliseconds: received ${engineTimeout}`,
    );
  }
  const address = addressOf(connect, action);
  const fleet = validateFleet(given.fleet, action);
  const key = JSON.stringify([address, fleet]);
  let line = lines.get(key);
  if (line === undefined) {
    const made = () => connectPatiently((timeout) => connectNatsStore(address, fleet, timeout), ENGINE_TIMEOUT);
    lines.set(key, line = new Line(made));
  }
  return { name, asking: new Asking(line, engineTimeout) };
}

/**
 * Runs something that ends when its signal is aborted, for at most so many milliseconds. `late`: what it comes to after that is
 * given to it, so that it can be given back.
 *
 * @returns What it comes to; `undefined`: the time has passed.
 * @throws The signal's reason.
 */
export async function within<T>(
  timeout: number,
  signal: AbortSignal | undefined,
  run: (end: AbortSignal) => Promise<T>,
  late: (result: T) => void = () => {},
): Promise<{ result: T } | undefined> {
  signal?.throwIfAborted();
  const end = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort!: () => void;
  let isTaken = false;
  const running = run(end.signal);
  const ended = new Promise<undefined>((resolve, reject) => {
    if (timeout !== Infinity) timer = setTimeout(() => resolve(undefined), Math.min(timeout, 2 ** 31 - 1));
    abort = () => reject(signal!.reason);
    signal?.addEventListener("abort", abort, { once: true });
  });
  try {
    const first = await Promise.race([running.then((result) => ({ result })), ended]);
    isTaken = first !== undefined;
    return first;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
    end.abort();
    if (!isTaken) void running.then(late, () => {});
  }
}
