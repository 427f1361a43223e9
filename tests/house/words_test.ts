/** The words of comments, of tests' names and of the pages: see "Prose" in CONTRIBUTING.md. */

import { assertEquals } from "@std/assert";
import { readdirSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { sourceFiles, textOf } from "../../tools/_house.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const WORDS = /\b(?:who|whom|whoever|somebody|someone|nobody|anybody|anyone|everybody|can not|for ever)\b/i;

function files(folder: string, ending: string): string[] {
  return readdirSync(ROOT + folder, { recursive: true }).map((name) =>
    `${folder}/${String(name).replaceAll("\\", "/")}`
  )
    .filter((name) => name.endsWith(ending) && !/node_modules|\/out\/|\/pages\//.test(name));
}

/** The lines of a file that hold a comment or a test's name and one of the words. */
function found(file: string, isProse: (line: string) => boolean): string[] {
  return textOf(file).split("\n").flatMap((line, index) =>
    WORDS.test(line) && isProse(line) ? [`${file}:${index + 1}: ${line.trim()}`] : []
  );
}

const COMMENT = /^\s*(?:\/\/|\/\*|\*)|\s\/\/ /;
// A name stands behind `it(` or on a line of its own.
const NAME = /\bit\(|^\s*(?:name: )?["`][^"`]* [^"`]* [^"`]*["`],$/;

describe("the words of the project", () => {
  it("are those of CONTRIBUTING.md everywhere in the library, also in messages and over the end of a line", {
    timeout: 60_000,
  }, () => {
    const all = sourceFiles().flatMap((file) => {
      // As a reader reads it: a comment goes on in the next line.
      const text = textOf(file).replace(/\n\s*(?:\*|\/\/) ?/g, " ");
      return [...text.matchAll(RegExp(WORDS, "gi"))].map(({ index }) =>
        `${file}: ${text.slice(index - 40, index + 40)}`
      );
    });
    assertEquals(all, []);
  });

  it(
    "are those of CONTRIBUTING.md in the comments beside the library, and in the names of tests",
    { timeout: 60_000 },
    () => {
      const own = ["tools", "benches", "examples", "tests"].flatMap((folder) => files(folder, ".ts")).filter((file) =>
        !file.endsWith("/words_test.ts")
      );
      assertEquals(own.flatMap((file) => found(file, (line) => COMMENT.test(line) || NAME.test(line))), []);
    },
  );

  it("are those of CONTRIBUTING.md in the pages", { timeout: 60_000 }, () => {
    const pages = ["docs", "tests", "_internal"].flatMap((folder) => files(folder, ".md"));
    pages.push("README.md", "CHANGELOG.md");
    assertEquals(pages.flatMap((page) => found(page, () => true)), []);
  });
});
