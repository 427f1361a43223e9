/** Fails at its top level in the way that a file says, from when it is there. */

import { existsSync, readFileSync } from "node:fs";
import process from "node:process";

const file = process.env.AHEAD_FAILURE;
const how = file !== undefined && existsSync(file) ? readFileSync(file, "utf8") : "";
if (how === "throw") throw new RangeError("thrown at the top");
if (how === "exit") process.exit(3);
if (how === "reject") void Promise.reject(new RangeError("rejected at the top"));
while (how === "wait" && existsSync(file!)) await new Promise((resolve) => setTimeout(resolve, 2));

/** Whether its module is whole. */
export function isWhole(): boolean {
  return true;
}
