/** What takes part in the benchmarks beside peers: no program under another's name. */

import { assertEquals } from "@std/assert";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { aboutContestant } from "../../benches/peers/about.ts";
import { withFolder } from "./_folder.ts";

const LIMIT = { timeout: 60_000 };
const CONTESTANTS = fileURLToPath(new URL("../../benches/peers/contestants.ts", import.meta.url));

// The programs run on Deno alone.
if ("Deno" in globalThis) {
  it("each contestant has a name without commas, and a line that says what it is", LIMIT, async () => {
    const { contestants, PACKAGES } = await import("../../benches/peers/contestants.ts");
    const { found } = contestants({ Deno: ["deno"], Bun: ["bun"], Node: ["node"] });
    const names = [...found, ...Object.keys(PACKAGES).map((name) => ({ name, runtime: "Node" }))];
    assertEquals(names.filter(({ name, runtime }) => name.includes(",") || !aboutContestant(name, runtime)), []);
  });

  it("this library takes part on each runtime, by threads and by processes", LIMIT, async () => {
    const { contestants, RUNTIMES } = await import("../../benches/peers/contestants.ts");
    const { found } = contestants({ Deno: ["deno"], Bun: ["bun"], Node: ["new-node"] });
    const ours = found.filter(({ ours }) => ours).map(({ runtime, scope }) => `${runtime}, ${scope}`);
    assertEquals(
      [...new Set(ours)].sort(),
      RUNTIMES.flatMap((runtime) => [`${runtime}, processes`, `${runtime}, threads`]).sort(),
    );
    const onNode = found.filter(({ runtime }) => runtime === "Node").map(({ command }) => command[0]);
    assertEquals([...new Set(onNode)], ["new-node"]);
  });

  it("where there is no Node, Deno's program of that name is not taken for it", LIMIT, async () => {
    await withFolder(async (folder) => {
      const program = `const { missing } = (await import(${JSON.stringify(CONTESTANTS)})).contestants({});
        console.log(missing.filter((each) => each.includes("Node")).length);`;
      // Deno puts a program of its own into the path where it finds no Node; here there is one in any case.
      symlinkSync(Deno.execPath(), join(folder, "node"));
      symlinkSync("/bin/sh", join(folder, "sh"));
      const { output } = await run([Deno.execPath(), "eval", "--quiet", program], {
        env: { PATH: folder },
        limit: 30_000,
      });
      assertEquals(output.trim(), "1");
    });
  });
}
