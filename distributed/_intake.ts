/**
 * How many parcels an agent takes: its slots, which of the waiting parcels gets the next slot, and how many more are
 * asked for.
 *
 * @module
 */

import type { Taking } from "./_engine.ts";

/** If no parcel has arrived this long after one was asked for, the queue is empty: milliseconds. */
const SURE = 10;

/** The parcels that an agent takes. */
export class Intake {
  readonly #slots: number;
  readonly #taking: Taking;
  #isOver = false;
  /** Parcels that were begun or are about to be. */
  #taken = 0;
  /** Parcels that were asked for, or have arrived and are not over. */
  #wanted = 0;
  /**
   * Parcels that were asked for and have not arrived, and since when there are any. While there are, the queue is
   * empty.
   */
  #expected = 0;
  #expectedSince = 0;
  /** Waits for a slot of parcels that other agents may begin as well. The first gets the next slot. */
  readonly #waiting: Set<() => void> = new Set();
  /** Waits for a slot of parcels that were granted to this agent. They come first. */
  readonly #owed: (() => void)[] = [];
  /**
   * Whether the agent asks for one parcel more than it has slots. While tasks are short, the next is here when a slot is
   * free.
   */
  isAhead = true;

  constructor(slots: number, taking: Taking) {
    this.#slots = slots;
    this.#taking = taking;
  }

  /** Asks for as many parcels as can be begun. */
  ask(): void {
    const missing = this.#slots + Number(this.isAhead) - this.#wanted;
    if (missing <= 0 || this.#isOver) return;
    this.#wanted += missing;
    if (this.#expected === 0) this.#expectedSince = performance.now();
    this.#expected += missing;
    this.#taking.ask(missing);
  }

  /** A parcel has arrived that was asked for. */
  come(): Place {
    this.#expected--;
    return new Place(this);
  }

  /**
   * Takes a slot for a parcel that was not asked for. `undefined`: there is no slot, or there may be parcels in the
   * queue, maybe of other programs, which come first.
   */
  comeUnasked(): Place | undefined {
    const isFree = !this.#isOver && this.#taken < this.#slots && this.#waiting.size === 0 && this.#owed.length === 0;
    if (!isFree || this.#expected === 0 || performance.now() - this.#expectedSince < SURE) return undefined;
    this.count();
    return new Place(this, this.#tryNow());
  }

  /** Counts a parcel that is not over. */
  count(): void {
    this.#wanted++;
  }

  /** A parcel is over, or waits for something other than a slot: another is asked for in its place. */
  uncount(): void {
    this.#wanted--;
    this.ask();
  }

  #tryNow(): boolean {
    const isFree = !this.#isOver && this.#taken < this.#slots;
    if (isFree) this.#taken++;
    return isFree;
  }

  /**
   * Waits for a slot for at most `patience` milliseconds. It takes a free slot at once, because other parcels wait too.
   * Resolves with whether there was a slot.
   */
  take(patience: number): Promise<boolean> {
    if (this.#tryNow()) return Promise.resolve(true);
    if (this.#isOver) return Promise.resolve(false);
    return new Promise((resolve) => {
      const look = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(this.#tryNow());
      };
      const timer = setTimeout(look, patience);
      this.#waiting.add(look);
    });
  }

  /** Waits for a slot without a limit. An agent that is leaving begins nothing, so it needs no slot. */
  claim(): Promise<void> {
    if (this.#taken < this.#slots || this.#isOver) {
      this.#taken++;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#owed.push(resolve));
  }

  /** A slot is free. */
  free(): void {
    const owed = this.#owed.shift();
    // The slot passes on without being counted as free.
    if (owed !== undefined) return owed();
    this.#taken--;
    const [waiting] = this.#waiting;
    waiting?.();
  }

  /** Takes no more parcels, and ends all waits for a slot, so that their parcels are given back. */
  end(): void {
    this.#isOver = true;
    this.#taking.stop();
    for (const owed of this.#owed.splice(0)) {
      this.#taken++;
      owed();
    }
    for (const look of [...this.#waiting]) look();
  }
}

/** The place of a parcel in the intake. */
export class Place {
  readonly #intake: Intake;
  #isCounted = true;
  #hasSlot: boolean;

  constructor(intake: Intake, hasSlot = false) {
    this.#intake = intake;
    this.#hasSlot = hasSlot;
  }

  /** As {@linkcode Intake.take}. */
  async take(patience: number): Promise<boolean> {
    return this.#hasSlot = await this.#intake.take(patience);
  }

  /** As {@linkcode Intake.claim}, unless it has a slot. */
  async claim(): Promise<void> {
    if (!this.#isCounted) {
      this.#isCounted = true;
      this.#intake.count();
    }
    if (this.#hasSlot) return;
    await this.#intake.claim();
    this.#hasSlot = true;
  }

  /** The parcel is over, or waits for something other than a slot. */
  leave(): void {
    if (this.#hasSlot) {
      this.#hasSlot = false;
      this.#intake.free();
    }
    if (!this.#isCounted) return;
    this.#isCounted = false;
    this.#intake.uncount();
  }
}
