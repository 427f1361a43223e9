/**
 * What a named object is on the server: a value that programs change by compare-and-set.
 *
 * The answer to a write may be lost. The write may have been made then, and to make it again could count twice. So every write
 * has a name, and a value carries the names of its writers' last writes: a program that finds its own among them knows that it is done.
 *
 * @module
 */

import { type Asking, Bell, pause } from "./_line.ts";
import type { Entry } from "./_store.ts";
import { fromBytes, toBytes } from "./_wire.ts";
import { EngineError } from "./fleet_errors.ts";

/** The last writes of so many writers are known by name. */
const KEPT = 64;
/** A change by another program is looked for so often, where its message is lost: milliseconds. */
const POLL = 1000;
/** The longest pause of a program whose writes others overtake: milliseconds. */
const LONGEST = 50;

/** What is kept of a value. */
interface Kept<T> {
  value: T;
  /** How often it was written. */
  count: number;
  /** The last write of each of the last writers, as `WRITER.NUMBER`, with the count that it made: the oldest first. */
  writes: [name: string, count: number][];
}

/** A value at a time. */
interface Seen<T> extends Kept<T> {
  /** 0: there is none yet. */
  readonly revision: number;
}

/** What a change comes to. Without `next` nothing is written. */
export interface Step<T, R> {
  readonly next?: T;
  readonly result: R;
}

/** A value on the server. */
export class Document<T> {
  readonly #asking: Asking;
  readonly #name: string;
  readonly #empty: () => T;
  /** As it was when this program saw it last. */
  #known: Seen<T> | undefined;
  /** What this program did with it last is over. */
  #last: Promise<void> = Promise.resolve();
  /** Messages of changes so far. */
  #heard = 0;
  readonly #writer: string = crypto.randomUUID().slice(0, 13).replace("-", "");
  #writes = 0;

  /** `empty`: what it is where nothing is kept. It is not to be changed, and so is what a step gets. */
  constructor(asking: Asking, name: string, empty: () => T) {
    this.#asking = asking;
    this.#name = name;
    this.#empty = empty;
  }

  /** Reads it, after what this program changes. */
  async read(action: string, signal?: AbortSignal): Promise<T> {
    return await this.#inTurn(async () => (await this.#read(action, signal)).value);
  }

  // Calls of one program would only overtake each other, again and again; and so they have the order in which they were made.
  #inTurn<R>(run: () => Promise<R>): Promise<R> {
    const running = this.#last.then(run);
    this.#last = running.then(() => {}, () => {});
    return running;
  }

  /** The same, and how many milliseconds ago it was written by the clock of the server, at most; `undefined`: that is not known. */
  async readWithAge(action: string, signal?: AbortSignal): Promise<{ value: T; age: number | undefined }> {
    const value = await this.read(action, signal);
    // Where it was written meanwhile, that is less than it is.
    const age = await this.#asking.ask(action, (store) => store.ageOf(this.#name), signal);
    return { value, age };
  }

  async #read(action: string, signal?: AbortSignal): Promise<Seen<T>> {
    const heard = this.#heard;
    const seen = this.#seenOf(await this.#asking.ask(action, (store) => store.read(this.#name), signal));
    // A lower revision may be the newer: the entry was removed, or the server has lost its files. So the higher counts only where a
    // message came meanwhile.
    const known = heard === this.#heard ? undefined : this.#known;
    return this.#known = known !== undefined && known.revision > seen.revision ? known : seen;
  }

  #seenOf(entry: Entry | undefined): Seen<T> {
    if (entry === undefined) return { revision: 0, value: this.#empty(), count: 0, writes: [] };
    return { revision: entry.revision, ...fromBytes<Kept<T>>(entry.bytes) };
  }

  /**
   * Changes it by a step, which is taken again where another program was first, and so must not have effects.
   *
   * @throws {EngineError} If the store was away for too long, or it cannot be told whether the change was made.
   * @throws What the step throws.
   */
  change<R>(action: string, step: (value: T) => Step<T, R>, signal?: AbortSignal): Promise<R> {
    return this.#inTurn(() => this.#change(action, step, signal));
  }

  async #change<R>(action: string, step: (value: T) => Step<T, R>, signal?: AbortSignal): Promise<R> {
    const writer = this.#writer;
    // Writes that may have been made. Each has a name of its own, as it is known by what it comes to.
    const tried: { write: string; count: number; result: R }[] = [];
    let seen = this.#known;
    for (let tries = 0;; tries++) {
      const isFresh = seen === undefined;
      seen ??= await this.#read(action, signal);
      const { revision, value, count, writes } = seen;
      const made = tried.find(({ write }) => writes.some(([name]) => name === write));
      if (made !== undefined) return made.result;
      // Its name was dropped, if it was made.
      if (writes.length === KEPT && tried.some((each) => each.count < writes[0][1])) throw unknown(action);
      const taken = attempt(step, value);
      // What is known may be old: then nothing, or an error, is not the answer.
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
      // So many programs that write at once do not overtake each other for ever.
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
        throw new EngineError(`Cannot ${action} as it takes ${bytes.length} bytes: ${store.maxBytes} are the most`);
      }
      // Asked once: what another attempt would find is found by reading.
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
   * Waits until `look` finds what it looks for in the value, which it gets whenever that has changed, and now and then:
   * at least every second, and sooner where `soonest` says so.
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
        // An answer that came late may have put an older value there.
        const known = this.#known;
        seen = known !== undefined && known.revision > seen.revision ? known : await this.#read(action, signal);
      }
    } finally {
      silence();
      line.giveBack();
    }
  }

  /** Removes it: it is empty again. */
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
    `Cannot tell whether what was to be done is done: ${action}. The answer was lost, and ${KEPT} others have written since`,
  );
}
