import { eventSuite } from "../suites/event.ts";
import { threads } from "../suites/_threads.ts";

eventSuite(threads);
