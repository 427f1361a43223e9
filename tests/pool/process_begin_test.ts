import { beginSuite } from "./_begin.ts";
import { processes } from "./_processes.ts";

beginSuite(processes);
