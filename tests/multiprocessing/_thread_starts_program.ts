/** A program that ends a thread which has started a process, and has nothing more to do. */

import { Event, Thread } from "@weft/concurrent/threading";
import { startAndSay } from "./_thread_starts_targets.ts";

if (import.meta.main) {
  const started = new Event();
  const thread = new Thread({ target: startAndSay, args: [started], daemon: true }).start();
  await started.wait();
  thread.terminate();
}
