/**
 * Makes pairs of connections.
 *
 * @module
 */

import { createPipe } from "../_internal/processes/pipe.ts";
import { processSpace } from "../_internal/processes/memory.ts";
import { importingModule } from "../_internal/runtime/import_guard.ts";
import { show } from "../_internal/options.ts";
import { Connection, NewEnd } from "./connection.ts";

/** Options of {@linkcode Pipe}. */
export interface PipeOptions {
  /** Whether both ends send and receive, which is the default. If not, the first only receives and the second only sends. */
  duplex?: boolean;
}

/**
 * Two connections: what one end sends, the other receives.
 *
 * With `duplex: false` the first only receives and the second only sends.
 *
 * Python: `multiprocessing.Pipe`.
 *
 * @typeParam A What the first end receives.
 * @typeParam B What the second end receives.
 * @throws {RangeError} If the shared memory is full.
 *
 * @example
 * ```ts
 * import { Pipe } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const [receiver, sender] = Pipe({ duplex: false });
 * sender.sendSync({ id: 1 });
 * assertEquals(await receiver.recv(), { id: 1 });
 * ```
 */
export function Pipe<A = unknown, B = A>(options?: PipeOptions): [Connection<A>, Connection<B>] {
  if (options !== undefined && (typeof options !== "object" || options === null)) {
    throw new TypeError(
      `Cannot create pipe as the options must be an object like { duplex: false }: received ${show(options)}`,
    );
  }
  const duplex = options?.duplex ?? true;
  if (typeof duplex !== "boolean") {
    throw new TypeError(`Cannot create pipe as 'duplex' must be a boolean: received ${show(duplex)}`);
  }
  // Created while a worker imports a module they cannot be used, and say so: no pipe is made for them.
  const pipe = importingModule() === undefined ? createPipe(processSpace(), duplex) : 0;
  return [new Connection<A>(new NewEnd(pipe, 0)), new Connection<B>(new NewEnd(pipe, 1))];
}
