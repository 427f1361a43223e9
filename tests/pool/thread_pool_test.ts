import { poolSuites } from "./_suites.ts";
import { threads } from "./_threads.ts";

poolSuites(threads);
