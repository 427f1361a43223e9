/**
 * Settings of the whole program.
 *
 * @module
 */

import { setReservation } from "../_internal/memory/space.ts";
import { isImportingTargets } from "../_internal/runtime/this_thread.ts";
import { show } from "../_internal/options.ts";

const PAGE = 65536;
/** What the tables at the beginning of a region take, and a little to live on. */
const LEAST = 2 ** 20;
/** The longest buffer that all engines make. */
const MOST = 2 ** 32;

/** Options of {@linkcode configure}. */
export interface ConfigureOptions {
  /**
   * How many bytes are reserved for all objects of a scope together, from 1 MiB to 4 GiB; rounded up to 64 KiB. Not set: 4
   * GiB, and 512 MiB for the processes' scope on Bun. Only what is used takes memory, so that less is needed only where
   * the system refuses to reserve that much, or to bound what a program may use.
   *
   * Bun's garbage collector takes all that is reserved for the processes' scope for memory in use: with more it begins
   * later, and lets about as much garbage come together where a program does not return to its event loop for long.
   */
  memory?: number;
}

/**
 * Changes settings, before the first object is made and the first thread or process is started.
 *
 * Where there is no room for something, making it throws `RangeError` and `Queue.put` throws `QueueFullError`.
 *
 * A worker imports the modules of its target anew, and the call that is made there meanwhile does nothing, since the
 * worker lives in the memory of its program.
 *
 * @throws {InvalidStateError} If the shared memory is in use already.
 * @throws {TypeError} If `memory` is not a number.
 * @throws {RangeError} If `memory` is not from 1 MiB to 4 GiB.
 *
 * @example
 * ```ts
 * import { configure } from "@weft/concurrent/sync";
 *
 * configure({ memory: 64 * 2 ** 20 });
 * ```
 */
export function configure(options: ConfigureOptions): void {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot configure as the options must be an object like { memory }: received ${show(options)}`);
  }
  const { memory } = options;
  if (memory === undefined) return;
  if (typeof memory !== "number") {
    throw new TypeError(`Cannot configure as 'memory' must be a number of bytes: received ${show(memory)}`);
  }
  if (!(memory >= LEAST && memory <= MOST)) {
    throw new RangeError(
      `Cannot configure as 'memory' must be from ${LEAST} (1 MiB) to ${MOST} (4 GiB) bytes: received ${memory}`,
    );
  }
  if (isImportingTargets()) return;
  setReservation(Math.ceil(memory / PAGE) * PAGE);
}
