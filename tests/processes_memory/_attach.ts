/** Attaches to the file that is named, uses it, and says how that went. */

import process from "node:process";
import { attachRegion } from "../../_internal/processes/region.ts";
import { Lock } from "../../multiprocessing/mod.ts";

try {
  attachRegion(process.argv[2]);
  new Lock().acquireSync();
  console.log("attached");
} catch (error) {
  console.log(String(error));
}
