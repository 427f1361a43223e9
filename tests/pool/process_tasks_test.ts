import { processes } from "./_processes.ts";
import { taskSuites } from "./_suites.ts";

taskSuites(processes);
