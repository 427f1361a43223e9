/** Paths that a caller names: where they count from, and whether a file can be written there. */

import { closeSync, existsSync, mkdirSync, openSync, realpathSync, rmSync } from "node:fs";
import { dirname, resolve } from "node:path";
import process from "node:process";
import { ROOT } from "../../tools/_install.ts";
import { UserError } from "./user_error.ts";

/** The path as the caller meant it. A task of Deno runs in the project's folder, and `INIT_CWD` is the caller's folder. */
export function fromCaller(path: string): string {
  const isTask = realpathSync(process.cwd()) === realpathSync(ROOT);
  return resolve(isTask ? process.env.INIT_CWD ?? process.cwd() : process.cwd(), path);
}

/** Makes the folder of a file that an option names, and throws unless the file can be written: better now than after an hour. */
export function checkWritable(option: string, file: string): void {
  const isNew = !existsSync(file);
  try {
    mkdirSync(dirname(file), { recursive: true });
    closeSync(openSync(file, "a"));
  } catch (cause) {
    const { message } = cause as Error;
    throw new UserError(
      `Cannot write results: --${option} must be a file that can be written: received '${file}' (${message})`,
      { cause },
    );
  }
  if (isNew) rmSync(file);
}
