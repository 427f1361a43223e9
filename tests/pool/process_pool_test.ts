import { processes } from "./_processes.ts";
import { poolSuite } from "./_suite.ts";

poolSuite(processes);
