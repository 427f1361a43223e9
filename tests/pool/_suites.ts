/**
 * The suites that share a pool and a file, as starting a runtime takes half a second. A file must also come to its end in
 * its time where each worker is a process of Node that has stripped the types of all modules, on a machine that is busy.
 */

import { batchSuite } from "./_batch_suite.ts";
import { concurrencySuite } from "./_concurrency_suite.ts";
import { crossingSuite } from "./_crossing_suite.ts";
import { eachSuite } from "./_each_suite.ts";
import { endsSuite } from "./_ends_suite.ts";
import { givingUpSuite } from "./_giving_up_suite.ts";
import type { Kind } from "./_kind.ts";
import { mapSuite } from "./_map_suite.ts";
import { measuresSuite } from "./_measures_suite.ts";
import { numbersSuite } from "./_numbers_suite.ts";
import { retriesSuite } from "./_retries_suite.ts";
import { sharedPoolSuite } from "./_shared_pool.ts";
import { sizesSuite } from "./_sizes_suite.ts";
import { staffSuite } from "./_staff_suite.ts";
import { streamSuite } from "./_stream_suite.ts";
import { submitSuite } from "./_submit_suite.ts";

/** What holds for all calls of a pool, and for its workers. */
export function poolSuites(kind: Kind): void {
  mapSuite(kind);
  streamSuite(kind);
  submitSuite(kind);
  givingUpSuite(kind);
  endsSuite(kind);
  staffSuite(kind);
  crossingSuite(kind);
  sharedPoolSuite(kind);
}

/** What holds for the options of a pool, and for what it measures. */
export function optionSuites(kind: Kind): void {
  concurrencySuite(kind);
  sizesSuite(kind);
  measuresSuite(kind);
  sharedPoolSuite(kind);
}

/** What holds for the options of a task, above all when its worker ends. Most of these tests start many workers. */
export function taskSuites(kind: Kind): void {
  retriesSuite(kind);
  numbersSuite(kind);
  sharedPoolSuite(kind);
}

/** What holds for tasks that are sent together, and for a task that each worker runs. */
export function togetherSuites(kind: Kind): void {
  batchSuite(kind);
  eachSuite(kind);
  sharedPoolSuite(kind);
}
