/** Which files have short benches. */

import { readdirSync } from "node:fs";
import { ROOT } from "./_install.ts";

/** Their paths, from the folder of the project. */
export function benchFiles(): string[] {
  return readdirSync(`${ROOT}benches`)
    .filter((name) => name.endsWith("_bench.ts") && !name.startsWith("_"))
    .map((name) => `benches/${name}`)
    .sort();
}
