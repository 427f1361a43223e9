import { assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { textOf } from "../../tools/_house.ts";
import { LEFT_OUT_ON_NODE } from "../../tools/_left_out.ts";

describe("the tests that are left out on Node", () => {
  it("exist, and docs/runtime-notes.md lists them with the same reasons", () => {
    const [, section] = /^## Node$(.*?)^## /ms.exec(textOf("docs/runtime-notes.md"))!;
    const listed = [...section!.matchAll(/^\| `(tests\/[^`]+)` +\| (.*?) +\|$/gm)].map((
      [, path, reason],
    ) => [path!, reason!]);
    assertEquals(listed, Object.entries(LEFT_OUT_ON_NODE));
    for (const [path] of listed) assertEquals(existsSync(new URL(`../../${path}`, import.meta.url)), true, path);
  });
});
