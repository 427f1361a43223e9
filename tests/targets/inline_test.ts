import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { TargetError } from "@weft/concurrent/threading";
import { describe, it } from "node:test";
import { isNode } from "../_runtime.ts";
import { fails, thrown, works } from "./_inline.ts";

const LIMIT = { timeout: 30_000 };

describe("functions that are sent as their source", () => {
  const expected: Record<keyof typeof works, unknown> = {
    arrow: 2,
    asyncArrow: 3,
    expression: 4,
    named: 120,
    declared: 120,
    method: 5,
    asyncMethod: 6,
    oddMethod: 7,
    numberedMethod: 8,
    computedMethod: 9,
    methodCalledAsync: 10,
    methodCalledGet: 11,
    getter: 11,
    staticMethod: 12,
    exported: 12,
    exportedLive: [1, 2],
    exportedByDefault: 1002,
    exportedAs: 2002,
    shorthand: { constants: { ten: 10 }, counter: 1 },
    newTarget: 10,
    imported: 10,
    importedRenamed: 3,
    importedFromRuntime: "a/b",
    importedTyped: "number",
    dynamicImport: 42,
    dynamicImportBare: "function",
    globals: true,
    absent: "undefined",
    absentByName: "undefined",
    destructured: [10, 10, 10],
    lookAlikes: [4, true, 4],
    ownThis: 8,
    ownVariables: 11,
    using: ["used", "disposed"],
    awaitUsing: ["used", "disposed"],
    privateName: [2, true],
    nested: 8,
    builtin: 4,
    builtinGlobal: 12,
    builtinWritten: { a: 1 },
    builtinClass: "5",
    builtinConsole: undefined,
    templateTag: "x|1",
    optionalCall: 6,
  };
  for (const [name, value] of Object.entries(expected)) {
    it(`give what they give here: ${name}`, LIMIT, async () => {
      assertEquals(await works[name as keyof typeof works](), value);
    });
  }

  // Node's type stripping takes no enum, so the function has a file of its own.
  it("give what they give here: enumeration", { ...LIMIT, skip: isNode }, async () => {
    const { enumeration } = await import("./_inline_enum.ts");
    assertEquals(await enumeration(), 7);
  });

  const reasons: Record<keyof typeof fails, RegExp> = {
    captured: /captures the local variable 'limit'.*pass it as an argument.*task\(\)/,
    capturedLikeAnExport: /captures the local variable 'shadow'/,
    capturedLikeAGlobal: /captures the local variable 'name'/,
    capturedParameter: /captures the local variable 'status'/,
    unexportedConstant: /'secret', which file:.*_inline\.ts does not export: pass it as an argument, or export it/,
    unexportedFunction: /"usesUnexported" as thread target as it uses 'unexported', which .* does not export/,
    unexportedClass: /'Box', which .* does not export/,
    undeclared: /'notDeclaredAnywhere', which is neither exported by file:.*_inline\.ts nor global/,
    assigned: /assigns to 'counter'.*return the value/,
    assignedLocal: /assigns to 'done'.*return the value/,
    importMeta: /'import\.meta'.*export the function/,
    capturedArguments: /'arguments'.*as an argument/,
    outerPrivateName: /uses '#value', which is not sent.*as an argument/,
  };
  for (const [name, reason] of Object.entries(reasons)) {
    it(`reject with what is wrong and what to write instead: ${name}`, LIMIT, async () => {
      const error = await assertRejects(() => fails[name as keyof typeof fails](), TargetError);
      assertMatch(error.message, /^Cannot use .* as thread target as /);
      assertMatch(error.message, reason);
    });
  }
});

describe("functions that cannot run elsewhere", () => {
  const reasons: Record<keyof typeof thrown, RegExp> = {
    this: /uses 'this'.*takes what it needs as an argument/,
    thisInArrow: /uses 'this'/,
    super: /"method" as thread target as it uses 'super'/,
    newTarget: /uses 'new\.target'/,
    generator: /"numbers" as thread target as it is a generator.*returns an array/,
    asyncGenerator: /"numbers" as thread target as it is a generator/,
    bound: /"bound double" as thread target as it is bound: hand over the function itself/,
    native: /"map".*needs a 'this'.*in a function of yours/,
    nativeGetter: /"get size".*needs a 'this'/,
    mapMethod: /"get".*needs a 'this'/,
    randomUUID: /"randomUUID".*'this'/,
    class: /class "Box".*it is a class.*\(\.\.\.args\) => new/,
    nativeClass: /Map as thread target as it is a class.*\(\.\.\.args\) => new Map\(\.\.\.args\)/,
    promise: /"resolve".*needs a 'this'/,
  };
  for (const [name, reason] of Object.entries(reasons)) {
    it(`throw at once: ${name}`, LIMIT, () => {
      const error = assertThrows(() => void thrown[name as keyof typeof thrown](), TargetError) as Error;
      assertMatch(error.message, reason);
    });
  }
});
