/** A daemon starts a thread that is none: the program waits for that one. */
import { Event, Thread } from "@weft/concurrent/threading";
import { startOther } from "./_work.ts";

if (import.meta.main) {
  const started = new Event();
  new Thread({ target: startOther, args: [started], daemon: true }).start();
  await started.wait();
  console.log("main ends");
}
