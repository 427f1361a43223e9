import { batchSuite } from "./_batch_suite.ts";
import { processes } from "./_processes.ts";
batchSuite(processes);
