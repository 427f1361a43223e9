/** Finds the files with short benches. */

import { existsSync, readdirSync } from "node:fs";
import { fromCaller } from "../benches/lib/paths.ts";
import { UserError } from "../benches/lib/user_error.ts";
import { ROOT } from "./_install.ts";

/** Their paths, from the folder of the project. */
export function benchFiles(): string[] {
  return readdirSync(`${ROOT}benches`)
    .filter((name) => name.endsWith("_bench.ts") && !name.startsWith("_"))
    .map((name) => `benches/${name}`)
    .sort();
}

/** The paths of the files that a caller named. Throws unless all of them exist. */
export function namedBenchFiles(files: readonly string[]): string[] {
  return files.map((file) => {
    const path = fromCaller(file);
    if (existsSync(path)) return path;
    throw new UserError(
      `Cannot run benches: there must be a file of that name: received '${file}', there are ${benchFiles().join(", ")}`,
    );
  });
}
