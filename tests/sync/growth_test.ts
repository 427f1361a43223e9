import { growthSuite } from "../suites/growth.ts";
import { threads } from "../suites/_threads.ts";

growthSuite(threads);
