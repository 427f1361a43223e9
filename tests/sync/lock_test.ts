import { lockSuite } from "../suites/lock.ts";
import { threads } from "../suites/_threads.ts";

lockSuite(threads);
