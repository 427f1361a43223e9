/** Terminates threads at any moment while they start others, which must not run on: they would find their memory gone. */
import { activeCount, sleep, Thread } from "@weft/concurrent/threading";
import { startDeep } from "./_work.ts";

if (import.meta.main) {
  const trees = Array.from({ length: 2 }, async () => {
    for (let round = 0; round < 3; round++) {
      const thread = new Thread({ target: startDeep, args: [2] }).start();
      await sleep(Math.random() * ("Bun" in globalThis ? 200 : 3000));
      thread.terminate();
      await thread.join();
    }
  });
  await Promise.all(trees);
  while (activeCount() > 1) await sleep(1);
  console.log("main ends");
}
