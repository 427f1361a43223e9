/** Uses the memory, says where it is, and waits until it is killed. */

import { regionPath } from "../../_internal/processes/region.ts";
import { Lock } from "../../multiprocessing/mod.ts";

new Lock().acquireSync();
console.log(regionPath());
setInterval(() => {}, 1000);
