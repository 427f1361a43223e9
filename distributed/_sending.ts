/**
 * Puts parcels into the queue, and again where the queue has lost them: a parcel that was not granted may be sent any number of
 * times.
 *
 * @module
 */

import { type Engine, QueueFullError } from "./_engine.ts";
import type { SentParcel } from "./_parcels.ts";

/** How often it is looked whether the queue still has what was not granted: milliseconds. */
const OFTEN = 3000;
/** So many are looked for at once: each is a question. */
const AT_ONCE = 512;
/** So many are sent again at each look where the queue had no room. */
const REFUSED = 64;

/** Sends the parcels of one driver. */
export class Sending {
  readonly #driver: string;
  #isReconciling = false;
  #reconciled = 0;
  /** The queue has had no room for a parcel lately. */
  #isFull = false;
  /** The number of the parcel that was looked for last. */
  #last = 0;

  constructor(driver: string) {
    this.#driver = driver;
  }

  /** Puts a parcel into the queue. What does not get there is sent again by {@linkcode Sending.reconcile}. */
  send(engine: Engine, parcel: SentParcel): void {
    if (parcel.isSending) return;
    parcel.isSending = true;
    parcel.sends++;
    void this.#send(engine, parcel);
  }

  async #send(engine: Engine, parcel: SentParcel): Promise<void> {
    try {
      // A key of its own each time: the queue may have lost what it remembers to have had.
      parcel.place = await engine.putTask(this.#driver, parcel.bytes, keyOf(parcel));
      if (parcel.isOver) await engine.removeTask(parcel.place);
    } catch (error) {
      parcel.place = 0;
      // The engine is away, or has no room: later. Or the queue is gone.
      if (error instanceof QueueFullError) this.#isFull = true;
      else if (engine.awaySince === undefined) {
        if (await engine.probe()) await engine.restore();
        this.#reconciled = 0;
      }
    } finally {
      parcel.isSending = false;
    }
  }

  /** A parcel is not to be begun with any more: it is taken out of the queue. */
  forget(engine: Engine | undefined, parcel: SentParcel): void {
    parcel.isOver = true;
    if (parcel.place > 0 && engine !== undefined) void engine.removeTask(parcel.place);
  }

  /** Sends those again that are not in the queue. Now and then, unless it is urgent: that is asked for each of them. */
  reconcile(engine: Engine, parcels: readonly SentParcel[], isUrgent = false): void {
    const time = performance.now();
    if (this.#isFull) this.#sendRefused(engine, parcels);
    if (this.#isReconciling || !isUrgent && time - this.#reconciled < OFTEN) return;
    this.#reconciled = time;
    this.#isReconciling = true;
    void this.#reconcile(engine, isUrgent ? parcels : this.#some(parcels)).catch(() => {}).finally(() =>
      this.#isReconciling = false
    );
  }

  // There may be room by now, and nothing has to be asked for to find out.
  #sendRefused(engine: Engine, parcels: readonly SentParcel[]): void {
    this.#isFull = false;
    const refused = parcels.filter(({ place, isSending, isOver }) => place === 0 && !isSending && !isOver);
    for (const parcel of refused.slice(0, REFUSED)) this.send(engine, parcel);
  }

  // Those that the last ones were followed by, where there are many.
  #some(parcels: readonly SentParcel[]): readonly SentParcel[] {
    if (parcels.length <= AT_ONCE) return parcels;
    const first = parcels.findIndex(({ number }) => number > this.#last);
    const some = [...parcels.slice(Math.max(0, first)), ...parcels].slice(0, AT_ONCE);
    this.#last = some[some.length - 1].number;
    return some;
  }

  async #reconcile(engine: Engine, parcels: readonly SentParcel[]): Promise<void> {
    for (const parcel of parcels) {
      if (engine.awaySince !== undefined) {
        this.#reconciled = 0;
        return;
      }
      if (parcel.isSending || parcel.isGranted || parcel.isOver) continue;
      if (parcel.place > 0 && await engine.hasTask(parcel.place, keyOf(parcel))) continue;
      // It may have been granted meanwhile.
      if (!parcel.isGranted && !parcel.isOver) this.send(engine, parcel);
    }
  }
}

function keyOf({ id, sends }: SentParcel): string {
  return `${id}.${sends}`;
}
