/**
 * Keeps the results of a run while it is measured, so that a run that is stopped leaves what it has, and nothing that was there before
 * is lost by it.
 *
 * The results so far are in a file of their own beside the results' file, marked as a part. At the end the whole run replaces the
 * results' file. A run that is stopped leaves its part there only if that place was empty.
 */

import { existsSync, renameSync, rmSync } from "node:fs";
import { thisMachine } from "./machine.ts";
import type { Measured } from "./measure.ts";
import { type Run, SCHEMA, taskOf, writeRun } from "./results.ts";

/** What is kept, and how much is to come. */
export interface KeeperOptions {
  readonly kind: Run["kind"];
  readonly quick: boolean;
  /** The results' file. */
  readonly file: string;
  /** How many parts the run has, and their name: `groups`. */
  readonly total: number;
  readonly parts: string;
}

/** The file beside the results' file with the part of a run that was stopped. */
export function partOf(file: string): string {
  return `${file.replace(/\.json$/, "")}${PART}`;
}

/** The ending of such files' names. */
export const PART = ".partial.json";

/** Keeps the results of a run of this program of today on this machine. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #wasThere: boolean;
  #done = 0;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#wasThere = existsSync(options.file);
    globalThis.addEventListener("unload", this.#stopped);
  }

  /** Keeps the results so far, which are so many parts. */
  part(measured: Measured, done: number): void {
    this.#done = done;
    // Groups that are still to come are empty.
    const groups = measured.groups.filter(({ contestants }) => contestants.length > 0);
    writeRun(partOf(this.#options.file), { ...this.#runOf({ ...measured, groups }), stopped: this.#soFar() });
  }

  /** Keeps the whole. */
  whole<M extends Measured>(measured: M): Run & Omit<M, "versions" | "groups"> {
    globalThis.removeEventListener("unload", this.#stopped);
    const run = this.#runOf(measured);
    writeRun(this.#options.file, run);
    rmSync(partOf(this.#options.file), { force: true });
    return run;
  }

  #runOf<M extends Measured>({ groups, versions, ...more }: M): Run & Omit<M, "versions" | "groups"> {
    const { kind, quick } = this.#options;
    return {
      schema: SCHEMA,
      kind,
      machine: thisMachine(versions),
      date: new Date().toISOString(),
      command: [`deno task ${taskOf(kind)}`, ...Deno.args].join(" "),
      quick,
      ...more,
      groups,
    };
  }

  #soFar(): string {
    return `${this.#done} of ${this.#options.total} ${this.#options.parts}`;
  }

  /** Ctrl-C and errors may end the program during a run. */
  readonly #stopped = (): void => {
    const { file } = this.#options;
    if (this.#done === 0) {
      console.error(`\nstopped: ${this.#soFar()}, ${file} has nothing of them`);
      return;
    }
    if (!this.#wasThere) renameSync(partOf(file), file);
    console.error(`\nstopped: ${this.#soFar()} in ${this.#wasThere ? partOf(file) : file}`);
  };
}
