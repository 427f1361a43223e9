/** Main ends first, its thread later, and the thread of that thread last. */
import { Thread } from "@weft/concurrent/threading";
import { speakLater, startAndReturn } from "./_work.ts";

if (import.meta.main) {
  new Thread({ target: speakLater, args: [150, "the outer one ends"] }).start();
  new Thread({ target: startAndReturn }).start();
  console.log("main ends");
}
