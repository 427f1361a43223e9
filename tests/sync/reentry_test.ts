import { reentrySuite } from "../suites/reentry.ts";
import { threads } from "../suites/_threads.ts";

reentrySuite(threads);
