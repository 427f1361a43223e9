import { threads } from "./_threads.ts";
import { workersSuite } from "./_workers.ts";

workersSuite(threads);
