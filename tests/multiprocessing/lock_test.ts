import { lockSuite } from "../suites/lock.ts";
import { processes } from "../suites/_processes.ts";

lockSuite(processes);
