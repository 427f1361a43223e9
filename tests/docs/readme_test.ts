import { assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { testPrograms } from "./_programs.ts";

const textOf = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

describe("readme", () => {
  testPrograms("README.md", 4);

  it("names as many models and broken variants as docs/reliability.md", { timeout: 60_000 }, () => {
    const [, models, broken] = /(\d+) models run the library's own source,.* (\d+) variants/s.exec(
      textOf("README.md"),
    )!;
    const reliability = textOf("docs/reliability.md");
    assertEquals(
      [models, broken],
      [/\| All +\| +(\d+) \|/.exec(reliability)![1], /`tests\/model\/broken\/`, (\d+) of them/.exec(reliability)![1]],
    );
  });
});
