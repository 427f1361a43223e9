import { optionSuites } from "./_suites.ts";
import { threads } from "./_threads.ts";

optionSuites(threads);
