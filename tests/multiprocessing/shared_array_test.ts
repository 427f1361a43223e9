import { sharedArraySuite } from "../suites/shared_array.ts";
import { processes } from "../suites/_processes.ts";

sharedArraySuite(processes);
