/** Main ends while daemons run: one sleeps, one is busy, one waits in its event loop. */
import { Event, Thread } from "@weft/concurrent/threading";
import { sleepForEver, spin, turn } from "./_work.ts";

if (import.meta.main) {
  const started = [new Event(), new Event(), new Event()] as const;
  new Thread({ target: sleepForEver, args: [started[0]], daemon: true }).start();
  new Thread({ target: spin, args: [started[1]], daemon: true }).start();
  new Thread({ target: turn, args: [started[2]], daemon: true }).start();
  for (const event of started) await event.wait();
  console.log("main ends");
}
