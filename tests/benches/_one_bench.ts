/** A bench file with one bench. */

import { bench } from "../../benches/_harness.ts";

bench("spins", { group: "some work", n: 3 }, () => {
  let sum = 0;
  for (let i = 0; i < 1_000; i++) sum += Math.sqrt(i);
  if (sum < 0) throw new Error("not possible");
});
