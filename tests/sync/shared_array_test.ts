import { sharedArraySuite } from "../suites/shared_array.ts";
import { threads } from "../suites/_threads.ts";

sharedArraySuite(threads);
