/**
 * The value of a named object on the server, which programs change by compare-and-set.
 *
 * The answer to a write may be lost although the write was made, and to repeat the write could count it twice. So every
 * write has a name, and a value carries the names of the last writes of its writers. A program that finds the name of
 * its write there knows that the write was made.
 *
 * @module
 */

import { type Asking, Bell, pause } from "./_line.ts";
import type { Entry } from "./_store.ts";
import { fromBytes, toBytes } from "./_wire.ts";
import { EngineError } from "./fleet_errors.ts";

/** How many writers' last writes are remembered by name. */
const KEPT = 64;
/** How often a change by another program is looked for, in case its message was lost: milliseconds. */
const POLL = 1000;
/** The longest pause of a program whose writes are overtaken by others: milliseconds. */
const LONGEST = 50;

/** What the server keeps of a value. */
interface Kept<T> {
  value: T;
  /** How often it was written. */
  count: number;
  /** The last write of each recent writer, as `WRITER.NUMBER`, with the count after it. The oldest is first. */
  writes: [name: string, count: number][];
}

/** A value as it was at some time. */
interface Seen<T> extends Kept<T> {
  /** 0: there is no entry yet. */
  readonly revision: number;
}

/** The result of a change. Without `next` nothing is written. */
export interface Step<T, R> {
  readonly next?: T;
  readonly result: R;
}

/** A value on the server. */
export class Document<T> {
  readonly #asking: Asking;
  readonly #name: string;
  readonly #empty: () => T;
  /** The value as this program last saw it. */
  #known: Seen<T> | undefined;
  /** Resolves when this program's last operation on the value is over. */
  #last: Promise<void> = Promise.resolve();
  /** How many messages of changes have arrived. */
  #heard = 0;
  readonly #writer: string = crypto.randomUUID().slice(0, 13).replace("-", "");
  #writes = 0;

  /** `empty`: the value while there is no entry. Neither it nor the value that a step gets may be changed in place. */
  constructor(asking: Asking, name: string, empty: () => T) {
    this.#asking = asking;
    this.#name = name;
    this.#empty = empty;
  }

  /** Reads the value, after this program's earlier changes. */
  async read(action: string, signal?: AbortSignal): Promise<T> {
    return await this.#inTurn(async () => (await this.#read(action, signal)).value);
  }

  // Calls of one program run in their order. Side by side they would only overtake each other again and again.
  #inTurn<R>(run: () => Promise<R>): Promise<R> {
    const running = this.#last.then(run);
    this.#last = running.then(() => {}, () => {});
    return running;
  }

  /**
   * Reads the value, and at most how many milliseconds ago it was written, by the clock of the server; `undefined`:
   * unknown.
   */
  async readWithAge(action: string, signal?: AbortSignal): Promise<{ value: T; age: number | undefined }> {
    const value = await this.read(action, signal);
    // If it was written meanwhile, the age is too low, which does no harm.
    const age = await this.#asking.ask(action, (store) => store.ageOf(this.#name), signal);
    return { value, age };
  }

  async #read(action: string, signal?: AbortSignal): Promise<Seen<T>> {
    const heard = this.#heard;
    const seen = this.#seenOf(await this.#asking.ask(action, (store) => store.read(this.#name), signal));
    // A lower revision may be newer: the entry may have been removed, or the server has lost its files. So the higher
    // revision is preferred only if a message arrived meanwhile.
    const known = heard === this.#heard ? undefined : this.#known;
    return this.#known = known !== undefined && known.revision > seen.revision ? known : seen;
  }

  #seenOf(entry: Entry | undefined): Seen<T> {
    if (entry === undefined) return { revision: 0, value: this.#empty(), count: 0, writes: [] };
    return { revision: entry.revision, ...fromBytes<Kept<T>>(entry.bytes) };
  }

  /**
   * Changes the value by a step. The step is repeated if another program was first, so it must have no side effects.
   *
   * @throws {EngineError} If the store was away for too long, or it is unknown whether the change was made.
   * @throws What the step throws.
   */
  change<R>(action: string, step: (value: T) => Step<T, R>, signal?: AbortSignal): Promise<R> {
    return this.#inTurn(() => this.#change(action, step, signal));
  }

  async #change<R>(action: string, step: (value: T) => Step<T, R>, signal?: AbortSignal): Promise<R> {
    const writer = this.#writer;
    // Writes that may have been made. Each has its own name, because each may have another result.
    const tried: { write: string; count: number; result: R }[] = [];
    let seen = this.#known;
    for (let tries = 0;; tries++) {
      const isFresh = seen === undefined;
      seen ??= await this.#read(action, signal);
      const { revision, value, count, writes } = seen;
      const made = tried.find(({ write }) => writes.some(([name]) => name === write));
      if (made !== undefined) return made.result;
      // If it was made, its name may have been dropped by later writes.
      if (writes.length === KEPT && tried.some((each) => each.count < writes[0][1])) throw unknown(action);
      const taken = attempt(step, value);
      // The known value may be old, so an error or no change is not final: read it again.
      if (!isFresh && ("error" in taken || taken.next === undefined)) {
        seen = undefined;
        continue;
      }
      if ("error" in taken) throw taken.error;
      const { next, result } = taken;
      if (next === undefined) return result;
      const write = `${writer}.${++this.#writes}`;
      const others = writes.filter(([name]) => !name.startsWith(`${writer}.`));
      const kept: Kept<T> = {
        value: next,
        count: count + 1,
        writes: [...others, [write, count + 1] as [string, number]].slice(-KEPT),
      };
      const outcome = await this.#write(action, kept, revision, signal);
      if (outcome === "written") return result;
      if (outcome === "unknown") tried.push({ write, count: count + 1, result });
      seen = this.#known = undefined;
      // A random pause, so that programs that write at the same time do not overtake each other forever.
      if (tries > 0) await pause(Math.random() * Math.min(LONGEST, 2 ** tries), signal);
    }
  }

  async #write(
    action: string,
    kept: Kept<T>,
    revision: number,
    signal?: AbortSignal,
  ): Promise<"written" | "overtaken" | "unknown"> {
    const bytes = toBytes(kept);
    let isUnknown = false;
    const outcome = await this.#asking.ask(action, async (store) => {
      if (bytes.length > store.maxBytes) {
        throw new EngineError(`Cannot ${action} as its entry takes ${bytes.length} bytes, more than ${store.maxBytes}`);
      }
      // A write is not repeated: reading finds out whether it was made.
      if (isUnknown) return undefined;
      isUnknown = true;
      const written = await store.write(this.#name, bytes, revision);
      isUnknown = false;
      if (written !== undefined) {
        this.#known = { revision: written, ...kept };
        store.tell(`changed.${this.#name}`, toBytes({ revision: written, bytes }));
      }
      return written;
    }, signal);
    return outcome !== undefined ? "written" : isUnknown ? "unknown" : "overtaken";
  }

  /**
   * Waits until `look` returns a result. It gets the value after each change, and at least every second; sooner if
   * `soonest` returns less.
   *
   * @throws What `look` throws, or the signal's reason.
   */
  async until<R>(
    action: string,
    look: (value: T, backSince: number) => R | undefined,
    signal: AbortSignal,
    soonest: () => number = () => POLL,
  ): Promise<R> {
    const { line } = this.#asking;
    const store = await this.#asking.borrow(signal);
    const bell = new Bell();
    let silence = (): void => {};
    try {
      silence = store.listen(`changed.${this.#name}`, (bytes) => {
        const seen = this.#seenOf(fromBytes<Entry>(bytes));
        this.#heard++;
        if (this.#known === undefined || this.#known.revision < seen.revision) this.#known = seen;
        bell.ring();
      });
      let seen = await this.#read(action, signal);
      for (;;) {
        signal.throwIfAborted();
        const found = look(seen.value, store.backSince);
        if (found !== undefined) return found;
        await bell.wait(Math.min(POLL, soonest()), signal);
        // A late answer may have replaced the known value by an older one.
        const known = this.#known;
        seen = known !== undefined && known.revision > seen.revision ? known : await this.#read(action, signal);
      }
    } finally {
      silence();
      line.giveBack();
    }
  }

  /** Removes the entry: the value is empty again. */
  async remove(action: string): Promise<void> {
    await this.#inTurn(async () => {
      await this.#asking.ask(action, (store) => store.remove(this.#name));
      this.#known = undefined;
    });
  }
}

function attempt<T, R>(step: (value: T) => Step<T, R>, value: T): Step<T, R> | { error: unknown } {
  try {
    return step(value);
  } catch (error) {
    return { error };
  }
}

function unknown(action: string): EngineError {
  return new EngineError(
    `Cannot tell whether the operation "${action}" was done as its answer was lost and ${KEPT} other programs have written since`,
  );
}
