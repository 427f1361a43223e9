import { namesSuite } from "../suites/names.ts";
import { threads } from "../suites/_threads.ts";

namesSuite(threads);
