import { assert, assertEquals } from "@std/assert";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { FLOORS, textOf } from "../../tools/_house.ts";

const LIMIT = { timeout: 60_000 };
const ROOT = new URL("../../", import.meta.url);

/** The rooms of each floor in the drawing, the lowest floor first. */
function drawn(page: string): string[][] {
  const [, drawing = ""] = /^## The floors$.*?^```text$(.*?)^```$/ms.exec(page) ?? [];
  return drawing.split("\n")
    .map((line) => line.match(/\w+(?:\/\w+)*(?:\/|\.ts)(?= )/g) ?? [])
    .filter((rooms) => rooms.length > 0)
    .reverse();
}

describe("docs/architecture.md", () => {
  it("draws each floor of the house, the highest on top", LIMIT, () => {
    assertEquals(drawn(textOf("docs/architecture.md")), FLOORS.map((rooms) => [...rooms]));
  });

  it("names files and folders that exist", LIMIT, () => {
    const named = [...textOf("docs/architecture.md").matchAll(/`(\w[\w./-]*(?:\.ts|\.md|\/))`/g)].map(([, path]) =>
      path!
    );
    assert(named.length > 80, `${named.length} paths`);
    assertEquals(named.filter((path) => !existsSync(new URL(path, ROOT))), []);
  });
});
