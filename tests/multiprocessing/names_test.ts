import { namesSuite } from "../suites/names.ts";
import { processes } from "../suites/_processes.ts";

namesSuite(processes);
