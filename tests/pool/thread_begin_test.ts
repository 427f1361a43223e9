import { beginSuite } from "./_begin.ts";
import { threads } from "./_threads.ts";

beginSuite(threads);
