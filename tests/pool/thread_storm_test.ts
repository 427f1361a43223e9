import { poolStorm } from "./_storm.ts";
import { threads } from "./_threads.ts";

poolStorm(threads);
