import { eventSuite } from "../suites/event.ts";
import { processes } from "../suites/_processes.ts";

eventSuite(processes);
