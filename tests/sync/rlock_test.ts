import { rlockSuite } from "../suites/rlock.ts";
import { threads } from "../suites/_threads.ts";

rlockSuite(threads);
