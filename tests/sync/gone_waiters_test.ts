import { goneWaitersSuite } from "../suites/gone_waiters.ts";
import { threads } from "../suites/_threads.ts";

goneWaitersSuite(threads);
