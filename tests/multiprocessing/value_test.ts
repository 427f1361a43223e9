import { valueSuite } from "../suites/value.ts";
import { processes } from "../suites/_processes.ts";

valueSuite(processes);
