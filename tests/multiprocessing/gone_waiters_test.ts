import { goneWaitersSuite } from "../suites/gone_waiters.ts";
import { processes } from "../suites/_processes.ts";

goneWaitersSuite(processes);
