import { processes } from "./_processes.ts";
import { threads } from "./_threads.ts";
import { transferSuite } from "./_transfer_suite.ts";

transferSuite(threads);
transferSuite(processes);
