/** Charts as SVG: what cannot be drawn is an error, and names may be anything. */

import { assert, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { it } from "node:test";
import { makeRun } from "./_made_runs.ts";

const LIMIT = { timeout: 20_000 };

// Only Deno has what draws.
if ("Deno" in globalThis) {
  const { toSvg } = await import("../../benches/lib/chart.ts");
  const { chartOf } = await import("../../benches/cores/chart.ts");
  const bars = (name: string, calculate: string) =>
    toSvg({
      data: { values: [{ name, value: 10 }] },
      transform: [{ calculate, as: "end" }],
      mark: "bar",
      encoding: {
        y: { field: "name", type: "nominal" },
        x: { field: "value", type: "quantitative", scale: { type: "log", domain: [1, 100] } },
        x2: { datum: 1 },
      },
    });

  it("a chart can be read as XML, whatever things are called", LIMIT, async () => {
    const svg = await bars('<a & "b"> \u0000\u0007\u001b[31m', "datum.value");
    assertStringIncludes(svg, "&lt;a &amp;");
    assert(!/[^\P{Cc}\t\n\r]/u.test(svg), svg);
  });

  it("what Vega says that it cannot draw is an error", LIMIT, async () => {
    await assertRejects(() => bars("a", "datum.nothing.at.all"), Error, "Cannot draw chart: TypeError");
  });

  it("a chart across cores of a run without a job with workers is an error", LIMIT, () => {
    const run = makeRun({ seed: 1, starts: 1, rounds: 1 });
    assertThrows(() => chartOf({ ...run, kind: "cores" }), TypeError, "a job with workers must have samples");
  });
}
