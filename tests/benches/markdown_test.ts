/** Names and notes of results in Markdown, whatever is in them. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { it } from "node:test";
import { JOBS } from "../../benches/cores/plan.ts";
import { inCode, inMarkdown, plain } from "../../benches/lib/markdown.ts";
import { tablesOf } from "../../benches/peers/tables.ts";
import { WORKS } from "../../benches/peers/works.ts";
import { page } from "../../benches/report/page.ts";
import { makeRun } from "./_made_runs.ts";

const LIMIT = { timeout: 10_000 };

it("what means something in Markdown is escaped, and what does not is left as it is", LIMIT, () => {
  const pairs: readonly (readonly [text: string, escaped: string])[] = [
    ["a | b", "a \\| b"],
    ["a\\|b", "a\\\\\\|b"],
    ["<b>", "&lt;b>"],
    ["`a`", "\\`a\\`"],
    ["[a](b)", "\\[a\\](b)"],
    ["**a** _b_", "\\*\\*a\\*\\* \\_b\\_"],
    ["&lt; & b", "&amp;lt; & b"],
    ["a\r\nb\u0000\u2028c\td", "a b c d"],
  ];
  for (const [text, escaped] of pairs) assertEquals(plain(text), escaped);
  const same = ["child_process.fork, JSON", "x * x", "R&D, 100 %", "compareExchange + exchange (bare)"];
  for (const text of [...same, ...[...WORKS, ...JOBS].map(({ title }) => title)]) assertEquals(plain(text), text);
  assertEquals(inCode("--works=`a`\n|b"), "--works='a' |b");
});

it("a table has the same cells, and a page the same lines, whatever things are called", LIMIT, () => {
  const made = makeRun({ seed: 1, starts: 1, rounds: 2 });
  const [ours, other] = made.groups[0]!.contestants.slice(2, 4);
  const runOf = (text: string) => ({
    ...made,
    command: text,
    notes: [text],
    machine: { ...made.machine, processor: text, system: text, versions: { [text]: text } },
    groups: [{
      ...made.groups[0]!,
      name: text,
      contestants: [{ ...ours!, name: text, note: text }, { ...other!, name: text }],
    }],
  });
  const shapeOf = (text: string) =>
    text.split("\n").map((line) => line.startsWith("|") ? line.replaceAll(/\\./g, "").split("|").length : 0);
  const [calm, wild] = [runOf("a name"), runOf("a | `b`\n<i> **c** [d](e) \\")];
  assertEquals(shapeOf(tablesOf(wild)), shapeOf(tablesOf(calm)));
  const pageOf = (run: typeof calm) => page([{ source: `${run.command}.json`, run, charts: [] }]);
  assertEquals(shapeOf(pageOf(wild)), shapeOf(pageOf(calm)));
  assertStringIncludes(pageOf(wild), "&lt;i> \\*\\*c\\*\\*");
  const kept = (run: typeof calm) => JSON.parse(JSON.stringify(run));
  assertEquals(kept(inMarkdown(calm)), kept(calm));
});
