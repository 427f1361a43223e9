/** The suites of every pool, bound to a fleet of two agents. */

import * as distributed from "@weft/concurrent/distributed";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import { after } from "node:test";
import { crossingSuite } from "../pool/_crossing_suite.ts";
import { endsSuite } from "../pool/_ends_suite.ts";
import { givingUpSuite } from "../pool/_giving_up_suite.ts";
import type { Kind } from "../pool/_kind.ts";
import { mapSuite } from "../pool/_map_suite.ts";
import { sharedPoolSuite } from "../pool/_shared_pool.ts";
import { streamSuite } from "../pool/_stream_suite.ts";
import { submitSuite } from "../pool/_submit_suite.ts";
import { Fleet, root } from "./_fleet.ts";

const fleet = await Fleet.start(2);
after(() => fleet[Symbol.asyncDispose]());

class Pool extends distributed.Pool {
  constructor(workers?: number, options?: distributed.PoolOptions) {
    super(workers, { ...options, connect: fleet.url, root });
  }
}

const kind: Kind = {
  ...multiprocessing as unknown as Kind,
  name: "fleet",
  Pool: Pool as unknown as Kind["Pool"],
  // They are children of the agents, and not of this program.
  killWorker: () => false,
  killNewestWorker: () => false,
};

mapSuite(kind);
streamSuite(kind);
submitSuite(kind);
givingUpSuite(kind);
endsSuite(kind);
crossingSuite(kind);
sharedPoolSuite(kind);
