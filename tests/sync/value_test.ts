import { valueSuite } from "../suites/value.ts";
import { threads } from "../suites/_threads.ts";

valueSuite(threads);
