import { boundedSemaphoreSuite } from "../suites/semaphore.ts";
import { processes } from "../suites/_processes.ts";

boundedSemaphoreSuite(processes);
