import { conditionSuite } from "../suites/condition.ts";
import { processes } from "../suites/_processes.ts";

conditionSuite(processes);
