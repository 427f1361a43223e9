import { conditionSuite } from "../suites/condition.ts";
import { threads } from "../suites/_threads.ts";

conditionSuite(threads);
