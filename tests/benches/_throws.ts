/** Three benches: one runs, one throws, one returns a promise that Deno would not await. */

import { bench } from "../../benches/_harness.ts";

const group = "some work";

bench("runs", { group, baseline: true }, () => {});
bench("throws", { group }, () => {
  throw new Error("It does not work");
});
bench("is not async", { group }, () => Promise.resolve());
