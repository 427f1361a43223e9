/** Tests of a user's program that return a future. Run by future_test.ts. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";

const LIBRARY = new URL("../../threading/mod.ts", import.meta.url).href;

/** Writes a failing and a passing test, each of which does nothing but return a future. */
export function writeTests(folder: string): string {
  const path = join(folder, "returned_test.ts");
  writeFileSync(join(folder, "boom.ts"), `export function boom(): never { throw new RangeError("boom"); }\n`);
  writeFileSync(
    path,
    `import { Pool } from ${JSON.stringify(LIBRARY)};
import { boom } from "./boom.ts";
const test = globalThis.Deno?.test ?? (await import("Bun" in globalThis ? "bun:test" : "node:test")).test;
const pool = new Pool(1);
test("fails", () => pool.submit(boom));
test("passes", () => pool.submit(Math.sqrt, 4));
`,
  );
  return path;
}
