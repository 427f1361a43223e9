/**
 * Keeps the results of a run while it is measured, so that a run that is stopped leaves what it has, and nothing that was there before
 * is lost by it.
 *
 * What there is so far is in a file of its own beside the results' file, marked as a part. At the end the whole takes the place of the
 * results' file. A run that is stopped leaves its part there only if that place was empty.
 */

import { existsSync, renameSync, rmSync } from "node:fs";
import { thisMachine } from "./machine.ts";
import type { Measured } from "./measure.ts";
import { type Run, SCHEMA, taskOf, writeRun } from "./results.ts";

/** What is kept, and how much there is to come. */
export interface KeeperOptions {
  readonly kind: Run["kind"];
  readonly quick: boolean;
  /** The results' file. */
  readonly file: string;
  /** How many parts the run has, and what they are called: `groups`. */
  readonly total: number;
  readonly parts: string;
}

/** The file beside the results' file that has the part of a run that was stopped. */
export function partOf(file: string): string {
  return `${file.replace(/\.json$/, "")}${PART}`;
}

/** How the names of such files end. */
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

  /** Keeps what there is so far, which is so many parts. */
  part(measured: Measured, done: number): void {
    this.#done = done;
    // Those whose turn has not come are empty.
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

  /** Ctrl-C and errors end the program in the midst of a run. */
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
