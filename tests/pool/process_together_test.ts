import { processes } from "./_processes.ts";
import { togetherSuites } from "./_suites.ts";

togetherSuites(processes);
