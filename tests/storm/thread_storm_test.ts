import { threads } from "../suites/_threads.ts";
import { testStorms } from "./_tests.ts";

testStorms(threads);
