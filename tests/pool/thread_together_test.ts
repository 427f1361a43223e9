import { togetherSuites } from "./_suites.ts";
import { threads } from "./_threads.ts";

togetherSuites(threads);
