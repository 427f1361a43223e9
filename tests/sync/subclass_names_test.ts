import { threads } from "../suites/_threads.ts";
import { subclassNamesSuite } from "../suites/subclass_names.ts";

subclassNamesSuite(threads);
