/** What runs in the processes of programs that end. */

import { sleep } from "@weft/concurrent/multiprocessing";

export async function wait(): Promise<void> {
  await sleep(60_000);
}
