import { batchSuite } from "./_batch_suite.ts";
import { threads } from "./_threads.ts";
batchSuite(threads);
