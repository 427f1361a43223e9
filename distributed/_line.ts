/**
 * The connection of a program to the store of a fleet. All its named objects share it. It is open while an operation or
 * a wait is under way, and for a moment longer, so that an object that is not in use does not keep the program alive.
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

/** The options that all named objects have. Python has no equivalent. */
export interface NamedOptions {
  /**
   * The name by which all programs share the object, up to 64 letters, digits, `-` and `_`. Objects of different
   * classes may have the same name.
   */
  name: string;
  /** The address of the engine, as in a pool's `connect`. Default: the environment variable `WEFT_CONNECT`. */
  connect?: string | ConnectOptions;
  /** The name of the fleet to which the object belongs. Default: `"default"`. */
  fleet?: string;
  /**
   * How many milliseconds the engine may be away before operations reject with {@linkcode EngineError}. A first
   * connection is tried for 5,000 at most. Default: 30,000.
   */
  engineTimeout?: number;
}

// Times in milliseconds.
const ENGINE_TIMEOUT = 30_000;
/** How long an unused connection stays open. */
const LINGER = 500;
/** The pause before a failed question is asked again. */
const AGAIN = 50;
/** No single answer takes this long. */
const LONG = 5000;

/** A connection that is open while it is used. */
export class Line {
  readonly #connect: () => Promise<Store>;
  #opening: Promise<Store> | undefined;
  #store: Store | undefined;
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether there was ever a connection. */
  wasThere = false;

  constructor(connect: () => Promise<Store>) {
    this.#connect = connect;
  }

  /** Whether there is a connection, as far as is known. */
  get isThere(): boolean {
    return this.#store !== undefined && !this.#store.isClosed && this.#store.awaySince === undefined;
  }

  /** Opens the store if necessary. Each call is followed by {@linkcode Line.giveBack}. */
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
  readonly line: Line;
  readonly engineTimeout: number;

  constructor(line: Line, engineTimeout: number) {
    this.line = line;
    this.engineTimeout = engineTimeout;
  }

  /**
   * Opens the store if necessary. Each call is followed by {@linkcode Line.giveBack}. If there was a connection before,
   * this waits until the server is back; if not, the address is probably wrong, and the error is thrown.
   *
   * @throws {EngineError} If the store cannot be reached.
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

  // A first connection may take longer than the caller's `engineTimeout`.
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

  /** Why a wait has timed out: for the given reason, unless the store does not answer. */
  unlessAway(reason: string): string {
    return this.line.isThere ? reason : "the engine did not answer";
  }

  /**
   * Asks, and asks again while the store is away. The operation may be done twice.
   *
   * @throws {EngineError} If the store was away for too long.
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
        // The server stood still and answers again: nothing else reports that.
        if (store.awaySince !== undefined) await store.probe();
        return answer;
      } catch (error) {
        if (isFinal(error)) throw error;
        const time = performance.now();
        // An attempt that worked for a long time before it failed starts a new period of failures.
        if (failingSince === undefined || time - began > LONG) failingSince = time;
        // The store is there, so a missing permission or an error that lasts is a refusal. A closed connection is
        // opened again.
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

// A worker that imports the program's main module again would run its main part: it would take items that are meant for
// the program, or wait forever.
function requireMain(action: string): void {
  const importing = importingModule();
  if (importing === undefined) return;
  throw new InvalidStateError(
    `Cannot ${action} as ${importing} and has not finished loading: put the main part of the program under if (import.meta.main)`,
  );
}

// Errors of the operation itself, which another attempt would repeat.
function isFinal(error: unknown): boolean {
  return error instanceof TypeError || error instanceof RangeError || error instanceof EngineError ||
    error instanceof InvalidStateError ||
    error instanceof QueueShutDownError;
}

function refused(action: string, { place }: Store, error: unknown): EngineError {
  return new EngineError(`Cannot ${action} as ${place} refuses it: ${(error as Error).message}`, { cause: error });
}

/** Waits for `ms` milliseconds, or until the signal is aborted. */
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

/** Wakes a waiter. A ring without a waiter is stored: the next wait ends at once. */
export class Bell {
  #wake: (() => void) | undefined;
  #isRung = false;

  ring(): void {
    this.#isRung = true;
    this.#wake?.();
  }

  /** Waits for the next ring, for at most `ms` milliseconds. */
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

/** Makes the codec refuse objects of a class, with the reason. */
export function sendByName(type: { readonly prototype: object }): void {
  const reason = "it is shared by its name: send the name, and create the object where it is used";
  Object.defineProperty(type.prototype, REFUSAL, { value: reason });
}

/** The name of a named object, and the access to its store. */
export interface Named {
  readonly name: string;
  readonly asking: Asking;
}

/**
 * Checks the options of a named object. `more`: the names of its additional options.
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
      `Cannot ${action} as 'name' must be a string that all programs use, like { name: "ledger" }: received ${
        show(name)
      }`,
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
      `Cannot ${action} as no address is given: set WEFT_CONNECT, or pass { connect: "nats://host:4222" }. For processes of this machine, use the class of @weft/concurrent/multiprocessing`,
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
 * Runs `run` for at most `timeout` milliseconds, and then aborts its signal. `late` gets a result that arrives after
 * that, and can give it back.
 *
 * @returns The result; `undefined`: the time has passed.
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
