/**
 * Which of the programs that an agent works for are gone.
 *
 * A program is gone if nothing has listened under its name for a while, or if it was silent for long. A program that is
 * there reports which of its parcels it does not know any more, because it has given them up.
 *
 * @module
 */

import { type Engine, NotListeningError } from "./_engine.ts";
import { ABSENT, ANSWER, isGone, SILENCE } from "./_insist.ts";
import { fromBytes, toBytes, type Unknown } from "./_wire.ts";

/** What the agent does with the findings. */
export interface DriversHost {
  /** The parcels that a program must know. */
  heldOf(driver: string): string[];
  /** The program of these parcels does not know them any more. */
  giveUp(ids: ReadonlySet<string>): void;
  /** A program is gone. */
  leaveDriver(driver: string): void;
}

/** The programs that an agent knows. */
export class KnownDrivers {
  readonly #engine: Engine;
  readonly #host: DriversHost;
  /** Since when nothing listens under a program's name, and since when it is silent. */
  readonly #absentSince: Map<string, number> = new Map();
  readonly #silentSince: Map<string, number> = new Map();
  /** Programs that are being asked whether they are there. */
  readonly #asked: Set<string> = new Set();
  /** Programs for which something ran at the last look. */
  #open: ReadonlySet<string> = new Set();

  constructor(engine: Engine, host: DriversHost) {
    this.#engine = engine;
    this.#host = host;
  }

  /** Asks the programs for which something runs, and some others. */
  look(open: ReadonlySet<string>, others: readonly string[]): void {
    // Suspicions from a time when nothing ran for a program do not count when something does.
    for (const driver of open) if (!this.#open.has(driver)) this.#forget(driver);
    this.#open = open;
    for (const driver of new Set([...open, ...others])) if (!this.#asked.has(driver)) void this.#ask(driver);
  }

  #forget(driver: string): void {
    this.#absentSince.delete(driver);
    this.#silentSince.delete(driver);
  }

  async #ask(driver: string): Promise<void> {
    this.#asked.add(driver);
    try {
      const question = toBytes({ ids: this.#host.heldOf(driver) });
      const answer = await this.#engine.request(`driver.${driver}.ping`, question, ANSWER);
      // The message that cancelled them may have been lost.
      this.#host.giveUp(new Set(fromBytes<Unknown>(answer).ids));
      this.#forget(driver);
    } catch (error) {
      if (error instanceof NotListeningError) {
        this.#silentSince.delete(driver);
        const since = this.#absentSince.get(driver) ?? performance.now();
        this.#absentSince.set(driver, since);
        if (isGone(this.#engine, since, ABSENT)) this.#leave(driver);
        return;
      }
      this.#absentSince.delete(driver);
      // Silence proves nothing while the engine is away or stands still.
      if (this.#engine.awaySince !== undefined || !await this.#engine.probe()) {
        this.#silentSince.delete(driver);
        return;
      }
      const time = performance.now();
      const since = this.#silentSince.get(driver) ?? Math.max(time, this.#engine.backSince);
      this.#silentSince.set(driver, since);
      if (time - since > SILENCE) this.#leave(driver);
    } finally {
      this.#asked.delete(driver);
    }
  }

  #leave(driver: string): void {
    this.#forget(driver);
    this.#host.leaveDriver(driver);
  }
}
