import { semaphoreSuite } from "../suites/semaphore.ts";
import { processes } from "../suites/_processes.ts";

semaphoreSuite(processes);
