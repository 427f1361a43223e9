/** The suites of pools that share a pool and a file: to start a runtime takes half a second. */

import { crossingSuite } from "./_crossing_suite.ts";
import { endsSuite } from "./_ends_suite.ts";
import { givingUpSuite } from "./_giving_up_suite.ts";
import type { Kind } from "./_kind.ts";
import { mapSuite } from "./_map_suite.ts";
import { sharedPoolSuite } from "./_shared_pool.ts";
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
