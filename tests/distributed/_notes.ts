/** Files in which tasks note that they were begun, wherever they run. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { after } from "node:test";

/** A folder of the test file, which goes with it. */
export const folder: string = mkdtempSync(`${tmpdir()}/fleet-`);
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;

/** A new file, and what its lines are by now. */
export function notes(): { file: string; lines: () => string[] } {
  const file = `${folder}/${++files}`;
  writeFileSync(file, "");
  return { file, lines: () => readFileSync(file, "utf8").split("\n").filter((line) => line !== "") };
}
