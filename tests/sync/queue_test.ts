import { queueSuite } from "../suites/queue.ts";
import { threads } from "../suites/_threads.ts";

queueSuite(threads);
