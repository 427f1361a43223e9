/** The works of the pool of processes of this machine. */

import { Pool } from "@weft/concurrent/multiprocessing";
import type { Work } from "../lib/play.ts";
import { SLOTS } from "./sizes.ts";
import { worksOf } from "./works.ts";

export function local(): { works: Record<string, Work>; close: () => Promise<void> } {
  const pool = new Pool(SLOTS);
  return { works: worksOf(() => pool), close: () => pool[Symbol.asyncDispose]() };
}
