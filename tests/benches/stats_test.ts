import { describe, it } from "node:test";
import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import {
  holm,
  mannWhitney,
  median,
  quantile,
  robustDeviation,
  spread,
  studentProbability,
} from "../../benches/lib/stats.ts";

const LIMIT = { timeout: 10_000 };

describe("statistics of the benchmarks", () => {
  it("tell the middle and the spread, and leave the samples in their order", LIMIT, () => {
    const values = [5, 1, 4, 2, 3];
    assertEquals(median(values), 3);
    assertEquals(quantile(values, 0.75), 4);
    assertAlmostEquals(spread(values)!, 1 / 3);
    assertAlmostEquals(spread(values.map((value) => -value))!, 1 / 3);
    assertEquals([spread([7]), spread([0, 0]), spread([-1, 0, 1])], [undefined, 0, Infinity]);
    assertEquals(values, [5, 1, 4, 2, 3]);
  });

  it("do not let a far sample count for the robust deviation", LIMIT, () => {
    assertAlmostEquals(robustDeviation([1, 2, 3, 4, 1000]), 1.4826);
    assertEquals(robustDeviation([]), 0);
  });

  it("find sets apart that do not overlap, and equal ones not, by the test of Mann and Whitney", LIMIT, () => {
    // As scipy.stats.mannwhitneyu(a, b, method="asymptotic") has it.
    assertAlmostEquals(mannWhitney([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]), 0.0121858, 1e-6);
    assertAlmostEquals(mannWhitney([1, 2, 2, 3, 9], [2, 4, 4, 5, 6]), 0.2888444, 1e-6);
    assertEquals(mannWhitney([1, 2, 3], [1, 2, 3]), 1);
    assertEquals(mannWhitney([1, 1, 1], [1, 1, 1]), 1);
  });

  it("tell how probable a t is, on both sides", LIMIT, () => {
    assertAlmostEquals(studentProbability(2.2281389, 10), 0.05, 1e-6);
    assertAlmostEquals(studentProbability(-2.2281389, 10), 0.05, 1e-6);
    assertAlmostEquals(studentProbability(0, 3), 1);
  });

  it("correct probabilities for how many there are, and keep their order", LIMIT, () => {
    const corrected = holm([0.01, 0.04, 0.03, 0.005]);
    for (const [i, expected] of [0.03, 0.06, 0.06, 0.02].entries()) assertAlmostEquals(corrected[i]!, expected);
    assert(holm([0.9, 0.8]).every((probability) => probability <= 1));
    assertEquals(holm([]), []);
  });
});
