/** A player whose works behave well and badly. */

import process from "node:process";
import { play } from "../../benches/lib/play.ts";

if (import.meta.main) {
  await play(
    "test",
    {
      spin(n) {
        let sum = 0;
        for (let i = 0; i < n * 1000; i++) sum += Math.sqrt(i);
        if (sum < 0) throw new Error("not possible");
      },
      own: (n) => n * 25,
      hang: () => new Promise<void>(() => setInterval(() => {}, 1_000)),
      fail() {
        throw new RangeError("out of order");
      },
      end: () => process.exit(3),
    },
    undefined,
    "1.2.3",
  );
}
