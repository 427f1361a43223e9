import * as threading from "@weft/concurrent/threading";
import { killersOf, type Kind } from "./_kind.ts";

/** Pools of threads. */
export const threads: Kind = {
  ...threading,
  name: "thread",
  ...killersOf(() => threading.enumerate(), (thread) => thread.terminate()),
};
