/** A progress bar on stderr, if that is a terminal. Otherwise a line now and then, so that a log shows the progress. */

import process from "node:process";
import { Presets, SingleBar } from "cli-progress";

/** Shows how far a run is. */
export class Progress {
  readonly #bar: SingleBar | undefined;
  readonly #total: number;
  #done = 0;
  #told = 0;
  #doing = "";

  /** @param total How many steps there are. */
  constructor(total: number) {
    this.#total = total;
    if (!process.stderr.isTTY) return;
    this.#bar = new SingleBar({
      format: "{bar} {percentage} % | {duration_formatted} gone, {eta_formatted} to go | {doing}",
      etaBuffer: 50,
      hideCursor: true,
    }, Presets.shades_classic);
    this.#bar.start(total, 0, { doing: "" });
  }

  /** Says what is done now. */
  doing(what: string): void {
    this.#doing = what;
    this.#bar?.update({ doing: what });
  }

  /** So many steps are done. */
  step(count = 1): void {
    this.#done += count;
    this.#bar?.update(Math.min(this.#done, this.#total));
    const tenth = Math.floor(this.#done / this.#total * 10);
    if (this.#bar === undefined && tenth > this.#told) console.error(`${tenth * 10} %: ${this.#doing}`);
    this.#told = Math.max(tenth, this.#told);
  }

  /** Removes the bar. */
  stop(): void {
    this.#bar?.stop();
  }
}
