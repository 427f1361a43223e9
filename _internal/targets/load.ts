/**
 * Imports the modules of targets, and finds what they are said to export.
 *
 * @module
 */

import { TargetError } from "../../sync/errors.ts";
import { type Exports, importModule } from "../runtime/modules.ts";
import { addHome } from "./home.ts";
import { whileImporting } from "./import_guard.ts";

/** What a module exports by a name, which must be a function or a class. */
export async function exportOf(
  { module, name, what }: { module: string; name: string; what: string },
  label: string,
): Promise<unknown> {
  addHome(module, undefined);
  const exports = await load(module, label, what);
  const value = exports[name];
  if (typeof value === "function") return value;
  const why = Object.hasOwn(exports, name)
    ? `${module} exports by that name what is not a function`
    : `${module} exports nothing by that name`;
  throw new TargetError(`Cannot use "${name}" as ${what} as ${why}: it exports ${list(Object.keys(exports))}`);
}

/** Imports a module for a target of the thread or process called `label`. */
export async function load(module: string, label: string, what: string): Promise<Exports> {
  try {
    return await whileImporting(module, label, () => importModule(module));
  } catch (error) {
    throw explain(error, module, what);
  }
}

// What the module threw itself is thrown as it is. What the runtime says of it is said with what it was for.
function explain(error: unknown, module: string, what: string): unknown {
  const { message, code } = error as { message?: unknown; code?: unknown };
  if (typeof message !== "string") return error;
  if (/^Cannot use \w+ (?:in a Worker|outside of the test runner)/.test(message)) {
    return new TargetError(
      `Cannot use a function of ${module} as ${what} as the module calls test() at its top level, which Bun refuses in workers: move the function into a file of its own`,
      { cause: error },
    );
  }
  if (code === "ERR_MODULE_NOT_FOUND") {
    return new TargetError(`Cannot use a function of ${module} as ${what} as there is no such module: ${message}`, {
      cause: error,
    });
  }
  return error;
}

/** Names in a message. */
export function list(names: string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}
