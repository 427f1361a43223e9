import { processes } from "./_processes.ts";
import { optionSuites } from "./_suites.ts";

optionSuites(processes);
