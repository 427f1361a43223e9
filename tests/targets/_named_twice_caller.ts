/** Hands it to a thread. */

import { Thread } from "@weft/concurrent/threading";
import { thriceMore as job } from "./_named_twice_barrel.ts";

/** What a thread makes of a number. */
export function inThread(x: number): Promise<number> {
  return new Thread({ target: job, args: [x] }).start().result();
}
