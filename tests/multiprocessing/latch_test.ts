import { latchSuite } from "../suites/latch.ts";
import { processes } from "../suites/_processes.ts";

latchSuite(processes);
