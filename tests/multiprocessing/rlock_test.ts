import { rlockSuite } from "../suites/rlock.ts";
import { processes } from "../suites/_processes.ts";

rlockSuite(processes);
