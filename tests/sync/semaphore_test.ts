import { semaphoreSuite } from "../suites/semaphore.ts";
import { threads } from "../suites/_threads.ts";

semaphoreSuite(threads);
