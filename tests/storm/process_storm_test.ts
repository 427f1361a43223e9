import { setStartMethod } from "@weft/concurrent/multiprocessing";
import { processes } from "../suites/_processes.ts";
import { seed, testStorms } from "./_tests.ts";

// A fresh runtime for each process, or a forked one: then more of them are killed while they are at work.
setStartMethod(seed % 4 === 0 ? "spawn" : "forkserver");
testStorms(processes);
