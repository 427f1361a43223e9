/**
 * Functions that are named rather than looked for.
 *
 * @module
 */

import { show } from "../options.ts";

/** Where the function is that a {@linkcode task} stands for. */
export interface TaskLocation {
  /** The module, as a full URL. */
  readonly module: string;
  /** What it is exported by. */
  readonly name: string;
}

const locations = new WeakMap<object, TaskLocation>();

/** Where the function is, if this is what {@linkcode task} returned. Not public. */
export function locationOf(fn: object): TaskLocation | undefined {
  return locations.get(fn);
}

/**
 * Names a function that is exported by a module, to be used wherever a function runs in another thread or process.
 *
 * Functions that are handed over as they are have to be looked for: in the module that makes the call, in what it
 * imports, in the main module. This says where, and is the way out when the search does not find the function. The module
 * need not be imported by the thread that calls; what is not there is told by the thread that looks.
 *
 * What is returned runs elsewhere only: to call the function here, import it.
 *
 * @param module The module, with its full URL: `import.meta.url`, or `new URL("./work.ts", import.meta.url)`.
 * @param name The name that it is exported by; `"default"` for the default export.
 * @throws {TypeError} If `module` is not the full URL of a module, or `name` is not a string.
 *
 * @example
 * ```ts
 * import { task, Thread } from "@weft/concurrent/threading";
 * import { assertEquals } from "@std/assert";
 *
 * export function square(x: number): number {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   const thread = new Thread({ target: task<typeof square>(import.meta.url, "square"), args: [7] }).start();
 *   assertEquals(await thread.result(), 49);
 * }
 * ```
 */
export function task(module: string | URL, name: string): (...args: unknown[]) => unknown;
/**
 * The same with the function's type, so that arguments and result are checked.
 *
 * @typeParam F The function's type: `task<typeof work>(…)`.
 * @param module The module, with its full URL: `import.meta.url`, or `new URL("./work.ts", import.meta.url)`.
 * @param name The name that it is exported by; `"default"` for the default export.
 * @throws {TypeError} If `module` is not the full URL of a module, or `name` is not a string.
 */
export function task<F extends (...args: never[]) => unknown>(module: string | URL, name: string): F;
export function task(module: string | URL, name: string): (...args: unknown[]) => unknown {
  if (typeof module !== "string" && !(module instanceof URL)) {
    throw new TypeError(
      `Cannot name a function as 'module' must be a URL, like import.meta.url: received ${show(module)}`,
    );
  }
  if (!URL.canParse(module)) {
    throw new TypeError(
      `Cannot name a function as 'module' must be a full URL, like new URL("./work.ts", import.meta.url): received ${
        show(module)
      }`,
    );
  }
  if (typeof name !== "string" || name === "") {
    throw new TypeError(
      `Cannot name a function as 'name' must be the name of an export, or "default": received ${show(name)}`,
    );
  }
  const location: TaskLocation = { module: new URL(module).href, name };
  const stand = {
    [name](): never {
      throw new TypeError(
        `Cannot call "${name}" here as task() only names a function for another thread or process: import it from ${location.module}`,
      );
    },
  }[name];
  locations.set(stand, location);
  return stand;
}
