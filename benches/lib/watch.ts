/** What a measurement that is printed and not kept reports about the machine: whether others used it meanwhile. */

import process from "node:process";
import { isDisturbed, type Load, loadBetween, LoadMeter, type Usage } from "./load.ts";
import { LOAD_UNKNOWN } from "./results.ts";

/** Milliseconds that a quiet machine is waited for. */
const PATIENCE = 10_000;

/** Watches what others use while this program measures. */
export class Watch {
  readonly #meter: LoadMeter;
  readonly #begin: Usage;

  private constructor(meter: LoadMeter) {
    this.#meter = meter;
    this.#begin = meter.read(process.pid);
  }

  /** Waits until the machine is quiet, or patience has run out, and watches from then on. */
  static async begin(patience = PATIENCE): Promise<Watch> {
    const meter = new LoadMeter();
    await meter.quiet(patience);
    return new Watch(meter);
  }

  /** What others used since: a line to print below the figures. */
  tell(): string {
    return toldOf(
      loadBetween(this.#begin, this.#meter.read(process.pid), this.#meter.processors),
      this.#meter.processors,
    );
  }
}

/** The remark about a load on so many processors. */
export function toldOf(load: Load, processors: number): string {
  if (load.othersShare === undefined) return LOAD_UNKNOWN;
  const cores = `${(load.othersShare * processors).toFixed(2)} of ${processors} cores`;
  if (isDisturbed(load, processors) !== true) return `A quiet machine: other programs used ${cores} meanwhile`;
  return `The machine was busy, so that these figures are not to be relied on: other programs used ${cores} meanwhile`;
}
