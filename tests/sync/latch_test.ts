import { latchSuite } from "../suites/latch.ts";
import { threads } from "../suites/_threads.ts";

latchSuite(threads);
