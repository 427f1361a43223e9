import { getContext } from "@weft/concurrent/multiprocessing";
import { aheadSuite } from "./_suite.ts";

const { Process } = getContext("forkserver");

aheadSuite({ name: "process", start: (target, args, name) => new Process({ target, args, name }).start() as never });
