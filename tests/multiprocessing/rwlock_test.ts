import { rwlockSuite } from "../suites/rwlock.ts";
import { processes } from "../suites/_processes.ts";

rwlockSuite(processes);
