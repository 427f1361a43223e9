import { assert } from "@std/assert";
import { describe, it } from "node:test";
import { textOf } from "../../tools/_house.ts";

describe("the sizes in README.md", { skip: "Bun" in globalThis }, () => {
  it("are those of the entry points", { timeout: 60_000 }, async () => {
    // Bun has none of what that needs.
    const { sizes } = await import("../../tools/pack.ts");
    const text = textOf("README.md");
    const told = new Map(
      [...text.matchAll(/`(\w+)` (?:takes )?(\d+) KiB/g)].map(([, name, size]) => [`./${name}`, Number(size)]),
    );
    const measured = (await sizes()).filter(({ name }) => name !== "." && name !== "./agent");
    assert(measured.length === told.size, `README.md tells of ${told.size} entry points`);
    for (const { name, compressed } of measured) {
      const size = told.get(name)!;
      assert(
        compressed <= size && compressed > size - 3,
        `${name} takes ${compressed.toFixed(1)} KiB, README.md says ${size}`,
      );
    }
  });
});
