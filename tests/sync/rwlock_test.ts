import { rwlockSuite } from "../suites/rwlock.ts";
import { threads } from "../suites/_threads.ts";

rwlockSuite(threads);
