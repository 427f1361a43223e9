import { growthSuite } from "../suites/growth.ts";
import { processes } from "../suites/_processes.ts";

growthSuite(processes);
