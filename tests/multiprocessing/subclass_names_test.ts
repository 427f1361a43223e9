import { processes } from "../suites/_processes.ts";
import { subclassNamesSuite } from "../suites/subclass_names.ts";

subclassNamesSuite(processes);
