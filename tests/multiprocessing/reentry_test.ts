import { reentrySuite } from "../suites/reentry.ts";
import { processes } from "../suites/_processes.ts";

reentrySuite(processes);
