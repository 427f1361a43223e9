/** What the pages say of the models is what there is. */

import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import type { Patch } from "../model/model.ts";
import { textOf } from "../../tools/_house.ts";

const LIMIT = { timeout: 60_000 };

// The models run on Deno. Bun doesn't import all of them.
const ON_DENO = { skip: "Bun" in globalThis };

describe("the broken variants", ON_DENO, () => {
  it("name text that the library has once, and models that there are", LIMIT, async () => {
    const { allBroken, allModels } = await import("../model/_run.ts");
    const { patched, SCALE } = await import("../model/_graph.ts");
    const models = (await allModels()).map(({ value }) => value);
    const faults: string[] = [];
    const check = (name: string, patches: readonly Patch[]) => {
      const all = [...SCALE, ...patches];
      for (const file of new Set(all.map((patch) => patch.file))) {
        try {
          patched(file, all);
        } catch (error) {
          faults.push(`${name}: ${(error as Error).message}`);
        }
      }
    };
    for (const model of models) check(model.name, model.scale ?? []);
    for (const { value: variant } of await allBroken()) {
      for (const beginning of variant.caughtBy) {
        const catching = models.filter(({ name }) => name.startsWith(beginning));
        if (catching.length === 0) faults.push(`${variant.name}: there is no model ${beginning}`);
        for (const { scale } of catching) check(variant.name, [...(scale ?? []), ...variant.patches]);
      }
    }
    assertEquals([...new Set(faults)], []);
  });
});

describe("the numbers of the models", ON_DENO, () => {
  const numberIn = (page: string, pattern: RegExp): number => Number(pattern.exec(textOf(page))?.[1]);

  it("are those in README.md and docs/reliability.md", LIMIT, async () => {
    const { allBroken, allModels } = await import("../model/_run.ts");
    const models = (await allModels()).length;
    const broken = (await allBroken()).length;
    assertEquals({
      "README.md": [
        numberIn("README.md", /\b(\d+) models run/),
        numberIn("README.md", /\b(\d+) variants with one planted bug/),
      ],
      "docs/reliability.md": [
        numberIn("docs/reliability.md", /^\| All +\| +(\d+) /m),
        numberIn("docs/reliability.md", /broken variants of `tests\/model\/broken\/`, (\d+) of them/),
      ],
    }, { "README.md": [models, broken], "docs/reliability.md": [models, broken] });
  });
});
