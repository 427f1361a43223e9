/**
 * The slots of an agent: how many parcels it has begun with at a time, and which of those that wait has the next one.
 *
 * @module
 */

/** The slots of one agent. */
export class Slots {
  readonly #count: number;
  readonly #isLeaving: () => boolean;
  #taken = 0;
  /** Parcels that may be begun with by others as well. The first has the next slot. */
  readonly #waiting: Set<() => void> = new Set();
  /** Parcels that are this agent's alone: they come first. */
  readonly #owed: (() => void)[] = [];

  constructor(count: number, isLeaving: () => boolean) {
    this.#count = count;
    this.#isLeaving = isLeaving;
  }

  /** Whether there is a slot that nothing waits for, and anything is begun with at all. */
  get isFree(): boolean {
    return !this.#isLeaving() && this.#taken < this.#count && this.#waiting.size === 0 && this.#owed.length === 0;
  }

  /** Takes one that is free. */
  takeNow(): void {
    this.#taken++;
  }

  /** Waits for one, for so many milliseconds at most, and takes it at once, since others wait, too. Whether there was one. */
  take(patience: number): Promise<boolean> {
    const tryNow = (): boolean => {
      const isFree = !this.#isLeaving() && this.#taken < this.#count;
      if (isFree) this.#taken++;
      return isFree;
    };
    if (tryNow()) return Promise.resolve(true);
    if (this.#isLeaving()) return Promise.resolve(false);
    return new Promise((resolve) => {
      const look = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(tryNow());
      };
      const timer = setTimeout(look, patience);
      this.#waiting.add(look);
    });
  }

  /** Waits for one as long as it takes. An agent that leaves begins with nothing, and needs none. */
  claim(): Promise<void> {
    if (this.#taken < this.#count || this.#isLeaving()) {
      this.#taken++;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#owed.push(resolve));
  }

  /** The agent leaves: what waits for a slot is to be given back. */
  leave(): void {
    for (const owed of this.#owed.splice(0)) {
      this.#taken++;
      owed();
    }
    for (const look of [...this.#waiting]) look();
  }

  free(): void {
    const owed = this.#owed.shift();
    // It is that one's now.
    if (owed !== undefined) return owed();
    this.#taken--;
    const [waiting] = this.#waiting;
    waiting?.();
  }
}

/** The slot of a parcel, if it has one. */
export class Slot {
  readonly #slots: Slots;
  #isTaken = false;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** As {@linkcode Slots.take}. */
  async take(patience: number): Promise<boolean> {
    return this.#isTaken = await this.#slots.take(patience);
  }

  /** As {@linkcode Slots.claim}, unless it has one. */
  async claim(): Promise<void> {
    if (this.#isTaken) return;
    await this.#slots.claim();
    this.#isTaken = true;
  }

  free(): void {
    if (!this.#isTaken) return;
    this.#isTaken = false;
    this.#slots.free();
  }
}
