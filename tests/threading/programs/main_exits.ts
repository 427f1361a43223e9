/** An exit in main ends everything at once. */
import { Event, Thread } from "@weft/concurrent/threading";
import { exitWith, waitForEver } from "./_work.ts";

if (import.meta.main) {
  const started = new Event();
  new Thread({ target: waitForEver, args: [started] }).start();
  await started.wait();
  exitWith(5);
}
