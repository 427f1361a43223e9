import { poolSuite } from "./_suite.ts";
import { threads } from "./_threads.ts";

poolSuite(threads);
