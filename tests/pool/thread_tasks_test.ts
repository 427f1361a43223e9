import { taskSuites } from "./_suites.ts";
import { threads } from "./_threads.ts";

taskSuites(threads);
