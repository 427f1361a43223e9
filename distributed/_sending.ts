/**
 * Puts parcels into the queue, and again if the queue has lost them. A parcel that was not granted may be sent any
 * number of times.
 *
 * @module
 */

import { type Engine, QueueFullError } from "./_engine.ts";
import type { SentParcel } from "./_parcels.ts";

/** How often it is checked whether the queue still has the parcels that were not granted: milliseconds. */
const OFTEN = 3000;
/** How many parcels are checked at a time. Each costs a question to the server. */
const AT_ONCE = 512;
/** How many parcels are sent again at each look if the queue had no room. */
const REFUSED = 64;

/** Sends the parcels of one driver. */
export class Sending {
  readonly #driver: string;
  #isReconciling = false;
  #reconciled = 0;
  /** The queue had no room for a parcel at the last attempt. */
  #isFull = false;
  /** The number of the last parcel that was checked. */
  #last = 0;

  constructor(driver: string) {
    this.#driver = driver;
  }

  /** Puts a parcel into the queue. If it does not arrive there, {@linkcode Sending.reconcile} sends it again. */
  send(engine: Engine, parcel: SentParcel): void {
    if (parcel.isSending) return;
    parcel.isSending = true;
    parcel.sends++;
    void this.#send(engine, parcel);
  }

  async #send(engine: Engine, parcel: SentParcel): Promise<void> {
    try {
      // Each attempt has its own key: the queue drops a key that it remembers, even if it has lost the parcel.
      parcel.place = await engine.putTask(this.#driver, parcel.bytes, keyOf(parcel));
      if (parcel.isOver) await engine.removeTask(parcel.place);
    } catch (error) {
      parcel.place = 0;
      // The engine is away or the queue is full: try later. Or the queue is gone: create it again.
      if (error instanceof QueueFullError) this.#isFull = true;
      else if (engine.awaySince === undefined) {
        if (await engine.probe()) await engine.restore();
        this.#reconciled = 0;
      }
    } finally {
      parcel.isSending = false;
    }
  }

  /** A parcel must not be begun any more: removes it from the queue. */
  forget(engine: Engine | undefined, parcel: SentParcel): void {
    parcel.isOver = true;
    if (parcel.place > 0 && engine !== undefined) void engine.removeTask(parcel.place);
  }

  /**
   * Sends parcels again that are not in the queue. Unless it is urgent, this asks only from time to time, because each
   * parcel costs a question.
   */
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

  // There may be room by now. Sending again finds that out without a question.
  #sendRefused(engine: Engine, parcels: readonly SentParcel[]): void {
    this.#isFull = false;
    const refused = parcels.filter(({ place, isSending, isOver }) => place === 0 && !isSending && !isOver);
    for (const parcel of refused.slice(0, REFUSED)) this.send(engine, parcel);
  }

  // If there are many parcels, checks those that follow the last ones.
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
