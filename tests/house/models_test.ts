/** What the pages say of the models is what there is. */

import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";
import { textOf } from "../../tools/_house.ts";

const LIMIT = { timeout: 60_000 };

describe("the numbers of the models", { skip: "Bun" in globalThis }, () => {
  const numberIn = (page: string, pattern: RegExp): number => Number(pattern.exec(textOf(page))?.[1]);

  it("are those in README.md and docs/reliability.md", LIMIT, async () => {
    // The models run on Deno. Bun doesn't import all of them.
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
