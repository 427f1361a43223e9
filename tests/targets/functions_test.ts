import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { TargetError, task, Thread } from "@weft/concurrent/threading";
import { describe, it } from "node:test";
import { isBun } from "../_runtime.ts";
import { calls } from "./_caller.ts";
import { double } from "./_functions.ts";
import { resolveSubclass, resolveTarget, setSearch } from "../../_internal/targets/resolve.ts";
import { Search } from "../../_internal/targets/search.ts";
import { Declared, declared, described } from "./_declares.ts";
import { run } from "./_run.ts";
import { dynamic, first, second } from "./_two_urls.ts";

const LIMIT = { timeout: 30_000 };
const HERE = new URL("./", import.meta.url).href;

export function ofTheTestFile(x: number): number {
  return x + 1;
}

describe("exported functions", () => {
  const expected: Partial<Record<keyof typeof calls, unknown>> = {
    own: 101,
    ownArrow: -99,
    renamedExport: 1.25,
    imported: 8,
    importedArrow: 12,
    renamedImport: 5,
    renamedByItsModule: "hidden 4",
    default: "default 4",
    namespace: 10,
    reexported: 12,
    reexportedDefault: "default 6",
    withDefaults: [1, 2, 3, 4],
    importMeta: `${HERE}_functions.ts`,
    throughAModuleBetween: "foobar",
    bare: { line: 2, column: 1 },
    runtime: "b.ts",
    notExportedItself: 1.5,
    fromTimer: 105,
    afterAwait: 106,
    behindAnotherFunction: 107,
    dynamicallyImported: 14,
  };
  for (const [name, value] of Object.entries(expected)) {
    it(`are found: ${name}`, LIMIT, async () => {
      assertEquals(await calls[name as keyof typeof calls](), value);
    });
  }

  it("run in a module of the thread's own", LIMIT, async () => {
    assertEquals(await calls.state(), 1);
    assertEquals(await calls.state(), 1);
  });

  it("are found when a test file imports them, which itself cannot be imported in a worker", LIMIT, async () => {
    assertEquals(await new Thread({ target: double, args: [21] }).start().result(), 42);
    assertEquals(await run(double, 21), 42);
  });

  it("cannot be told apart from a function with the same source that captures something else", LIMIT, async () => {
    const error = await assertRejects(() => calls.closureLikeAnExport(), TargetError);
    assertMatch(error.message, /fivefold.*fourfold.*task\(/);
    const other = await assertRejects(() => calls.closureLikeOneExport(), TargetError);
    assertMatch(other.message, /onlyOne.*captures.*task\(/);
  });

  it("that are written alike are told apart where the runtime tells", LIMIT, async () => {
    if (isBun) assertEquals(await calls.twins(), 4);
    else assertMatch((await assertRejects(() => calls.twins(), TargetError)).message, /task\(/);
  });

  it("are of the module by the URL that was imported", LIMIT, async () => {
    assertEquals(await second(), `${HERE}_functions.ts?again`);
    assertEquals(await first(), `${HERE}_functions.ts`);
    assertEquals(await run(task(`${HERE}_functions.ts?again`, "where")), `${HERE}_functions.ts?again`);
  });

  it("of modules that were imported while the program ran are found where the runtime tells", LIMIT, async () => {
    assertEquals(await dynamic(), 71);
  });

  it("that are in a file that calls test() are refused by Bun, and the error says what to do", LIMIT, async () => {
    if (!isBun) return assertEquals(await run(ofTheTestFile, 1), 2);
    for (const target of [ofTheTestFile, (x: number) => x + 1]) {
      const error = await assertRejects(() => run(target, 1), TargetError);
      assertMatch(error.message, /functions_test\.ts.*test\(\).*move the function into a file of its own/);
    }
  });

  it("of a module that throws when it is imported reject with what it throws", LIMIT, async () => {
    const error = await assertRejects(() => run(task(`${HERE}_throws.ts`, "fn")), RangeError);
    assertEquals(error.message, "thrown by the module");
  });
});

describe("functions and classes that their module declares and exports", () => {
  it("are not searched for, as functions are that it only declares", LIMIT, async () => {
    try {
      setSearch(
        class {
          function(): never {
            throw new RangeError("searched");
          }
          class = this.function;
        },
      );
      assertEquals(await resolveTarget(described.declared, "Thread-1"), declared);
      assertEquals(await resolveSubclass(described.subclass, "Thread-1"), Declared);
      await assertRejects(() => resolveTarget(described.hidden, "Thread-1"), RangeError, "searched");
    } finally {
      setSearch(Search);
    }
  });
});

describe("task", () => {
  it("names a function of this module's folder, of a module by its URL, and a default export", LIMIT, async () => {
    assertEquals(await run(task<typeof double>(new URL("./_functions.ts", import.meta.url), "double"), 4), 8);
    assertEquals(await run(task<typeof double>(`${HERE}_functions.ts`, "triple"), 4), 12);
    assertEquals(await run(task<(x: number) => string>(`${HERE}_functions.ts`, "default"), 4), "default 4");
    assertEquals(await run(task<(x: number) => string>(`${HERE}_functions.ts`, "shown"), 4), "hidden 4");
  });

  it("tells functions apart that are written alike", LIMIT, async () => {
    assertEquals(await run(task<typeof double>(`${HERE}_functions.ts`, "fourfold"), 1), 4);
    assertEquals(await run(task<typeof double>(`${HERE}_functions.ts`, "fivefold"), 1), 5);
  });

  it("names the thread", () => {
    assertMatch(new Thread({ target: task(import.meta.url, "fn") }).name, /^Thread-\d+ \(fn\)$/);
  });

  it("refuses what is no full URL and no name", () => {
    for (const module of ["./work.ts", "", "work"]) assertThrows(() => task(module, "fn"), TypeError, "'module'");
    for (const module of [undefined, null, 5, {}]) {
      assertThrows(() => task(module as unknown as string, "fn"), TypeError, "'module'");
    }
    for (const name of [undefined, null, 5, "", double]) {
      assertThrows(() => task(import.meta.url, name as unknown as string), TypeError, "'name'");
    }
  });

  it("cannot be called here", () => {
    assertThrows(() => task(import.meta.url, "fn")(), TypeError, "import it from");
  });

  it("that names nothing, no function, or no module says so", LIMIT, async () => {
    const missing = await assertRejects(() => run(task(`${HERE}_functions.ts`, "missing")), TargetError);
    assertMatch(missing.message, /"missing".*exports nothing by that name: it exports .*double/);
    const wrong = await assertRejects(() => run(task(`${HERE}_functions.ts`, "tools")), TargetError);
    assertMatch(wrong.message, /not a function/);
    const absent = await assertRejects(() => run(task(`${HERE}_absent.ts`, "fn")), TargetError);
    assertMatch(absent.message, /_absent\.ts/);
  });
});
