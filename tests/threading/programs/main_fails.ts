/** An uncaught error in main ends everything at once. */
import { Event, Thread } from "@weft/concurrent/threading";
import { waitForEver } from "./_work.ts";

if (import.meta.main) {
  const started = new Event();
  new Thread({ target: waitForEver, args: [started] }).start();
  await started.wait();
  throw new Error("main fails");
}
