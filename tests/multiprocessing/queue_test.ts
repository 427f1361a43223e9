import { queueSuite } from "../suites/queue.ts";
import { processes } from "../suites/_processes.ts";

queueSuite(processes);
