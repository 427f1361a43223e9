import { specifiersIn } from "../../_internal/targets/places.ts";
import { outerReference, privateMember, tokenize, tokenizeStart } from "../../_internal/targets/source.ts";
import { assertEquals } from "@std/assert";
import { describe, it } from "node:test";

const LIMIT = { timeout: 10_000 };

function kinds(text: string): string[] | undefined {
  return tokenize(text)?.map(({ kind, text }) => `${kind} ${text}`);
}

describe("tokens", () => {
  it("tell a regular expression from a division", LIMIT, () => {
    assertEquals(kinds("a / b / c")?.filter((each) => each.startsWith("regex")), []);
    assertEquals(kinds("x = /[/'\"`]/g.test(y)")?.at(2), "regex /[/'\"`]/g");
    assertEquals(kinds("if (a) /b/.test(c)")?.at(4), "regex /b/");
    assertEquals(kinds("f(a) / b / c")?.filter((each) => each.startsWith("regex")), []);
    assertEquals(kinds("return /a/")?.at(1), "regex /a/");
    assertEquals(kinds("x.return / a / 2")?.filter((each) => each.startsWith("regex")), []);
    assertEquals(kinds("a[0] / b / c; i++ / 2 / 1")?.filter((each) => each.startsWith("regex")), []);
  });

  it("are not made up where they cannot be told", LIMIT, () => {
    assertEquals(tokenize("{} /a/ 1"), undefined);
    assertEquals(tokenize("'open"), undefined);
    assertEquals(tokenize("`open ${1}"), undefined);
    assertEquals(tokenize("(]"), undefined);
    assertEquals(tokenizeStart("import 'a'; {} /a/ 1").length, 5);
  });

  it("follow templates into their substitutions and out again", LIMIT, () => {
    assertEquals(kinds("`a${`b${c}`}d`"), [
      "template a${",
      "punctuator ${",
      "template b${",
      "punctuator ${",
      "name c",
      "punctuator }",
      "template `",
      "punctuator }",
      "template d`",
    ]);
    assertEquals(kinds("`\\`${{ a: {} }.a}$`")?.filter((each) => each.startsWith("name")), ["name a", "name a"]);
  });

  it("leave comments out and know private names, escapes and numbers", LIMIT, () => {
    assertEquals(kinds("a /* this */ // super\n .#b"), ["name a", "punctuator .", "private #b"]);
    assertEquals(kinds("1_000.5e-3 + .5 + 0xFFn"), [
      "number 1_000.5e-3",
      "punctuator +",
      "number .5",
      "punctuator +",
      "number 0xFFn",
    ]);
    assertEquals(kinds("a?.5:b?.c"), [
      "name a",
      "punctuator ?",
      "number .5",
      "punctuator :",
      "name b",
      "punctuator ?.",
      "name c",
    ]);
    assertEquals(kinds("'it\\'s' + \"a\\\\\""), ["string 'it\\'s'", "punctuator +", 'string "a\\\\"']);
  });
});

describe("what a function uses of what is around it", () => {
  const uses: [string, string | undefined][] = [
    ["function () { return this.x; }", "this"],
    ["() => this", "this"],
    ["(a = this) => a", "this"],
    ["method() { return super.x; }", "super"],
    ["[`a${1}`]() { return this; }", "this"],
    ["async method() { return () => this; }", "this"],
    ["function () { return new.target; }", "new.target"],
    ["function () { return { [this.key]: 1 }; }", "this"],
    ["function () { class A extends this.B { } }", "this"],
    ["function () { if (a) { this.x = 1; } }", "this"],
    ["function () { while (a) { this.x = 1; } }", "this"],
    ["function () { return `${this.x}`; }", "this"],
    ["function () { return a ? this : b; }", "this"],
    ["function () { return function () { return this; }; }", undefined],
    ["function () { return { method() { return this; }, async other(a = this) { return super.x; } }; }", undefined],
    [
      "function () { return { get x() { return this; }, 'a b'() { return this; }, [c]() { return this; } }; }",
      undefined,
    ],
    ["function () { return class A extends mixin({}) { x = this.y; constructor() { super(); } }; }", undefined],
    ["function () { return class extends class {} { x = this.y; }; }", undefined],
    ["function () { return { this: 1, super: 2 }.this; }", undefined],
    ["function () { return 'this' + /this/.source + `this` /* this */; }", undefined],
    ["function () { return a.this + a?.super; }", undefined],
    ["function* () { function inner() { return new.target; } }", undefined],
    ["(target) => new target.x()", undefined],
  ];
  for (const [source, found] of uses) {
    it(`is ${found ?? "nothing"}: ${source}`, LIMIT, () => assertEquals(outerReference(source), found));
  }

  it("private members that instances have are found", LIMIT, () => {
    const classes: [string, string | undefined][] = [
      ["class A { #a = 1; }", "#a"],
      ["class A { a = 1; async #b() {} }", "#b"],
      ["class A { get #c() { return 1; } }", "#c"],
      ["class A { a = 1\n #d }", "#d"],
      ["class A extends B({ #x: 1 }) { static #a = 1; static async #b() {} }", undefined],
      ["class A { a() { return class { #b = 1; }; } }", undefined],
      ["class A { static has(o) { return #a in o; } a = '#b'; }", undefined],
      ["class A { a = this.b.c; }", undefined],
    ];
    for (const [source, member] of classes) assertEquals(privateMember(source), member, source);
  });
});

describe("imports", () => {
  it("of a module are told from what looks like them", LIMIT, () => {
    const text = `#!/usr/bin/env run
      import "./a.ts";
      import b from "./b.ts";
      import c, { d as e, type F } from './c.ts';
      import * as g from "./g.ts" with { type: "json" };
      import type { H } from "./h.ts";
      import type from "./i.ts";
      export { j } from "./j.ts";
      export * from "./k.ts";
      export * as l from "./l.ts";
      export type { M } from "./m.ts";
      export const n = "./n.ts", from = "./from.ts";
      export default { import: "./o.ts" };
      const p = import("./p.ts"), q = import.meta.url;
      function r() { return \`import "./r.ts"\`; }
      // import "./s.ts"
    `;
    assertEquals(specifiersIn(tokenizeStart(text)), [
      "./a.ts",
      "./b.ts",
      "./c.ts",
      "./g.ts",
      "./i.ts",
      "./j.ts",
      "./k.ts",
      "./l.ts",
    ]);
  });
});
