import { boundedSemaphoreSuite } from "../suites/semaphore.ts";
import { threads } from "../suites/_threads.ts";

boundedSemaphoreSuite(threads);
