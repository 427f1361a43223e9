import { type Analysis, analyze, type FoundFunction, freeReferences } from "../../_internal/targets/scopes.ts";
import { assertEquals } from "@std/assert";
import { parse } from "acorn";
import { describe, it } from "node:test";

const LIMIT = { timeout: 10_000 };

/** The outermost function of an expression. */
function outermost(source: string): { analysis: Analysis; found: FoundFunction } {
  const analysis = analyze(parse(`(${source}\n)`, { ecmaVersion: "latest", sourceType: "module" }));
  return { analysis, found: analysis.functions.at(-1)! };
}

/** The names that a function uses and does not declare. */
function free(source: string): string {
  const { analysis, found } = outermost(source);
  return [...new Set(freeReferences(analysis, found.scope).map(({ name }) => name))].sort().join(" ");
}

describe("scopes", () => {
  it("know what a block declares for itself and what for all of its function", LIMIT, () => {
    const functions: [source: string, names: string][] = [
      ["() => { if (a) { var b = 1; } return b; }", "a"],
      ["() => { if (a) { let b = 1; } return b; }", "a b"],
      ["() => { f(); function f() {} }", ""],
      ["() => { { class A {} } return A; }", "A"],
      ["() => { switch (a) { case 1: const b = 1; default: return b; } }", "a"],
      ["() => { try { a(); } catch ({ b }) { return b; } return b; }", "a b"],
      ["() => { a: for (;;) break a; }", ""],
    ];
    for (const [source, names] of functions) assertEquals(free(source), names, source);
  });

  it("know the variables of loops", LIMIT, () => {
    const functions: [source: string, names: string][] = [
      ["() => { for (const a of b) c(a); return a; }", "a b c"],
      ["() => { for (a of b) ; }", "a b"],
      ["() => { for (const { a = b } of c) a; }", "b c"],
      ["() => { for (var a in b) ; return a; }", "b"],
      ["() => { for (let a = 0, b; a < c; a++) b; }", "c"],
      ["() => { for (a = 0; ; b++) ; }", "a b"],
      ["() => { for (;;) ; }", ""],
    ];
    for (const [source, names] of functions) assertEquals(free(source), names, source);
  });

  it("know parameters, patterns and what functions have by themselves", LIMIT, () => {
    const functions: [source: string, names: string][] = [
      ["(a = b, { c = d, [e]: f, ...g }, [h]) => [a, c, f, g, h]", "b d e"],
      ["() => { ({ a, b: c, [d]: e } = f); }", "a c d e f"],
      ["() => { const { a, b: c, ...d } = e; return [a, b, c, d]; }", "b e"],
      ["function a() { return [a, arguments]; }", ""],
      ["() => function a(b) { return () => [arguments, b, a]; }", ""],
      ["async () => { const { a } = await import(b); return a; }", "b"],
    ];
    for (const [source, names] of functions) assertEquals(free(source), names, source);
  });

  it("know what is in a class", LIMIT, () => {
    const source = "() => { class A extends B { static { var a = b; } c = d; [e]() { return f; } } return a; }";
    assertEquals(free(source), "B a b d e f");
    const { analysis } = outermost("() => class { #a; b() { return this.#a; } }");
    assertEquals(analysis.specials.map(({ what }) => what), ["this"]);
  });

  it("tell how each name is used", LIMIT, () => {
    const { analysis } = outermost("() => { a(); b`x`; typeof c; ({ d }); e = 1; f++; g.h; !i; }");
    const uses = analysis.references.map(({ name, called, asked, shorthand, written }) =>
      [name, called && "called", asked && "asked", shorthand && "shorthand", written && "written"].filter(Boolean).join(
        " ",
      )
    );
    assertEquals(uses, ["a called", "b called", "c asked", "d shorthand", "e written", "f written", "g", "i"]);
  });

  it("tell to which function a 'this' belongs", LIMIT, () => {
    assertEquals(outermost("() => this").analysis.specials[0].owner, undefined);
    const { analysis, found } = outermost("function () { return () => this; }");
    assertEquals(analysis.specials[0].owner, found.node);
  });
});
