import { poolStorm } from "./_storm.ts";
import { processes } from "./_processes.ts";

poolStorm(processes);
