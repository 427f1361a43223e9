import { processes } from "./_processes.ts";
import { poolSuites } from "./_suites.ts";

poolSuites(processes);
