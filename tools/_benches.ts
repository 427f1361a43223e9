/** Which files have short benches. */

import { existsSync, readdirSync } from "node:fs";
import { UserError } from "../benches/lib/user_error.ts";
import { ROOT } from "./_install.ts";

/** Their paths, from the folder of the project. */
export function benchFiles(): string[] {
  return readdirSync(`${ROOT}benches`)
    .filter((name) => name.endsWith("_bench.ts") && !name.startsWith("_"))
    .map((name) => `benches/${name}`)
    .sort();
}

/** Throws unless all of the files that a caller named are there. */
export function checkBenchFiles(files: readonly string[]): void {
  for (const file of files) {
    if (existsSync(file)) continue;
    throw new UserError(
      `Cannot run benches: there must be a file of that name: received '${file}', there are ${benchFiles().join(", ")}`,
    );
  }
}
