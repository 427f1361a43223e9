import * as multiprocessing from "@weft/concurrent/multiprocessing";
import { killersOf, type Kind } from "./_kind.ts";

/** Pools of processes. */
export const processes: Kind = {
  ...multiprocessing as unknown as Kind,
  name: "process",
  ...killersOf(() => multiprocessing.activeChildren(), (child) => child.kill()),
};
