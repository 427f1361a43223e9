import { barrierSuite } from "../suites/barrier.ts";
import { processes } from "../suites/_processes.ts";

barrierSuite(processes);
