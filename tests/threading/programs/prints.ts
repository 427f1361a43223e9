/** Threads print while main blocks. */
import { Thread } from "@weft/concurrent/threading";
import { print } from "./_work.ts";

if (import.meta.main) {
  const threads = ["a", "b", "c"].map((name) => new Thread({ target: print, args: [200, name] }).start());
  for (const thread of threads) thread.joinSync();
  console.log("main ends");
}
