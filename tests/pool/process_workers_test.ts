import { processes } from "./_processes.ts";
import { workersSuite } from "./_workers.ts";

workersSuite(processes);
