/**
 * How many parcels an agent takes: its slots, which of the parcels that wait has the next one, and how many more are asked for.
 *
 * @module
 */

import type { Taking } from "./_engine.ts";

/** So long after a task was asked for none is in the queue if none has come: milliseconds. */
const SURE = 10;

/** The parcels that an agent takes. */
export class Intake {
  readonly #slots: number;
  readonly #taking: Taking;
  #isOver = false;
  /** Parcels that are begun with, or about to be. */
  #taken = 0;
  /** Parcels that were asked for, or have come and are not over. */
  #wanted = 0;
  /** Parcels that were asked for and have not come: while there are any, nothing is in the queue. And since when that is so. */
  #expected = 0;
  #expectedSince = 0;
  /** Parcels that may be begun with by others as well. The first has the next slot. */
  readonly #waiting: Set<() => void> = new Set();
  /** Parcels that are this agent's alone: they come first. */
  readonly #owed: (() => void)[] = [];
  /** Whether one more is asked for than there are slots: while they take little time, the next is there when a slot is free. */
  isAhead = true;

  constructor(slots: number, taking: Taking) {
    this.#slots = slots;
    this.#taking = taking;
  }

  /** Asks for as many as can be begun with. */
  ask(): void {
    const missing = this.#slots + Number(this.isAhead) - this.#wanted;
    if (missing <= 0 || this.#isOver) return;
    this.#wanted += missing;
    if (this.#expected === 0) this.#expectedSince = performance.now();
    this.#expected += missing;
    this.#taking.ask(missing);
  }

  /** One has come that was asked for. */
  come(): Seat {
    this.#expected--;
    return new Seat(this);
  }

  /**
   * One can be begun with that was not asked for; `undefined`: there is no slot, or there may be parcels in the queue, which come
   * first: they may be those of other programs.
   */
  comeUnasked(): Seat | undefined {
    const isFree = !this.#isOver && this.#taken < this.#slots && this.#waiting.size === 0 && this.#owed.length === 0;
    if (!isFree || this.#expected === 0 || performance.now() - this.#expectedSince < SURE) return undefined;
    this.count();
    return new Seat(this, this.#tryNow());
  }

  /** One more is not over. */
  count(): void {
    this.#wanted++;
  }

  /** One is over, or waits for something else than a slot: another is asked for in its place. */
  uncount(): void {
    this.#wanted--;
    this.ask();
  }

  #tryNow(): boolean {
    const isFree = !this.#isOver && this.#taken < this.#slots;
    if (isFree) this.#taken++;
    return isFree;
  }

  /** Waits for a slot, for so many milliseconds at most, and takes it at once, since others wait, too. Whether there was one. */
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

  /** Waits for a slot as long as it takes. An agent that leaves begins with nothing, and needs none. */
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
    // It is that one's now.
    if (owed !== undefined) return owed();
    this.#taken--;
    const [waiting] = this.#waiting;
    waiting?.();
  }

  /** No more is taken, and what waits for a slot is to be given back. */
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

/** A parcel, as far as the intake is concerned. */
export class Seat {
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

  /** As {@linkcode Intake.claim}, unless it has one. */
  async claim(): Promise<void> {
    if (!this.#isCounted) {
      this.#isCounted = true;
      this.#intake.count();
    }
    if (this.#hasSlot) return;
    await this.#intake.claim();
    this.#hasSlot = true;
  }

  /** It is over, or waits for something else than a slot. */
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
