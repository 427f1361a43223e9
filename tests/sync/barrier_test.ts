import { barrierSuite } from "../suites/barrier.ts";
import { threads } from "../suites/_threads.ts";

barrierSuite(threads);
