/** Support for programs that are bundled, or compiled to a single file. */

import { NotSupportedError } from "../_internal/errors.ts";
import { show } from "../_internal/options.ts";
import { expectAwait, hasBegun, hasRole, isBundled } from "../_internal/runtime/own_files.ts";
import { refuseSingleExecutable } from "../_internal/runtime/runtime.ts";

/** How many milliseconds the rest of the library may take to load, which is in the same bundle. */
const PATIENCE = 5000;

/**
 * Makes threads and processes work in a program that a bundler has put into one file together with this library, or that
 * `bun build --compile` has made an executable of. Await it first in the main module, before anything else is done, and not under
 * `if (import.meta.main)`, which is `false` in a thread on Bun.
 *
 * The threads and processes of such a program begin with its main module, as there is no other file. In the first process the
 * call returns at once. In a thread or process that the program has started, it runs that thread or process and never returns,
 * so the main part of the program does not run again. What the main module and the modules that it imports do before the call
 * is done in each thread and process. Without the call, the first start of a thread or process throws a
 * {@linkcode NotSupportedError}.
 *
 * A bundle has no modules in which functions could be searched for. So pass the functions, and the subclasses of `Thread` and
 * `Process`, that threads and processes run: as the values of objects, or as whole modules, by `import * as work`.
 * Functions that use only their arguments and globals work without that.
 *
 * If the program runs from its source, or its bundle leaves this library out, the call does nothing. Then the main part must be
 * under `if (import.meta.main)`, as always.
 *
 * Python: `multiprocessing.freeze_support`, which takes no arguments. There, functions are found by their modules and names in
 * a frozen program, too.
 *
 * @param targets Objects whose values are the functions and classes. Other values are ignored.
 * @returns A promise that is fulfilled in the first process only.
 * @throws {TypeError} If an argument is not an object.
 * @throws {NotSupportedError} If the bundle is in several files that wait for each other, or in a single executable of Node.
 *   The message says what to do.
 *
 * @example
 * ```ts
 * import { freezeSupport, Pool } from "@weft/concurrent/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number): number {
 *   return x * x;
 * }
 *
 * await freezeSupport({ square });
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(2);
 *   assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
 * }
 * ```
 */
export function freezeSupport(...targets: object[]): Promise<void> {
  for (const each of targets) {
    if (typeof each !== "object" || each === null) {
      throw new TypeError(
        `Cannot support a bundled program as 'targets' must be objects, like { work } or a module: received ${
          show(each)
        }`,
      );
    }
  }
  if (!isBundled || hasBegun()) return Promise.resolve();
  refuseSingleExecutable();
  const begin = (): Promise<void> => load().then(({ beginBundled }) => beginBundled(targets));
  return hasRole() ? whenAwaited(begin) : begin();
}

// In a thread or process that the program has started, nothing begins before the call is awaited. Otherwise the main part of the
// program would run beside it, and could start the next ones.
function whenAwaited(begin: () => Promise<void>): Promise<void> {
  expectAwait();
  let begun: Promise<void> | undefined;
  const promise = (): Promise<void> => begun ??= begin();
  return {
    then: (fulfilled, rejected) => promise().then(fulfilled, rejected),
    catch: (rejected) => promise().catch(rejected),
    finally: (settled) => promise().finally(settled),
    [Symbol.toStringTag]: "Promise",
  };
}

// Loaded only in a bundle. Some bundlers make a file of its own of it, which imports the main one. It is then not loaded before
// the main module has finished, and the main module may be waiting for it.
function load(): Promise<typeof import("../_internal/entries/bundled.ts")> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new NotSupportedError(
          "Cannot support a bundled program as the bundle is in several files, and one of them waits for the main module: make it one file, with output.codeSplitting: false (Rolldown, Vite), output.inlineDynamicImports: true (Rollup) or what the bundler has for that",
        ),
      );
    }, PATIENCE);
    import("../_internal/entries/bundled.ts").then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
