/** Whole programs: their main module is what the target is in. */

import { assertEquals, assertMatch } from "@std/assert";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { run } from "../../tools/_run.ts";
import { isDeno, runFlags } from "../_runtime.ts";

const LIMIT = 60_000;
const ROOT = new URL("../../", import.meta.url);
const folder = mkdtempSync(`${tmpdir()}/targets-`);
after(() => rmSync(folder, { recursive: true }));

const DENO = [
  "--no-prompt",
  "--no-lock",
  "--quiet",
  "--config",
  fileURLToPath(new URL("deno.json", ROOT)),
];

async function program(text: string, { name = "main.ts", cwd = folder, flags = ["-A"] } = {}): Promise<string> {
  const path = `${folder}/${name}`;
  mkdirSync(new URL(".", pathToFileURL(path)), { recursive: true });
  writeFileSync(path, `import { task, Thread } from "${ROOT}threading/mod.ts";\n${text}`);
  const command = [process.execPath, ...runFlags(...DENO, ...flags), path];
  const { output, timedOut } = await run(command, { cwd, limit: LIMIT / 2 });
  assertEquals(timedOut, false);
  return output.trimEnd();
}

const DOUBLE = `export function double(x: number) { return 2 * x; }\n`;
const CALLS = `
  console.log(await new Thread({ target: double, args: [1] }).start().result());
  console.log(await new Thread({ target: (x: number) => double(x) + 1, args: [2] }).start().result());
  console.log(await new Thread({ target: task<typeof double>(import.meta.url, "double"), args: [3] }).start().result());
`;
const MAIN = `${DOUBLE}if (import.meta.main) {${CALLS}}`;

describe("programs", () => {
  it("are found from another folder", { timeout: LIMIT }, async () => {
    assertEquals(await program(MAIN, { cwd: "/" }), "2\n5\n6");
  });

  it("are found at paths with spaces, letters of all languages and signs", { timeout: LIMIT }, async () => {
    assertEquals(await program(MAIN, { name: "a folder/ünï码 (1)/my program #1 100%.ts" }), "2\n5\n6");
  });

  describe("whose modules have functions of one name and source", () => {
    const module = (name: string) =>
      `const own = { name: "${name}" };
      export function where() { return own.name; }
      export const tools = { where };
      export default tools;`;
    const call = (target: string) =>
      `console.log(await new Thread({ target: ${target} }).start().result().catch((error) => error.name));`;
    const programs = {
      "imported under two names":
        `import { where } from "./left.ts"; import { where as other } from "./right.ts"; // left right | -`,
      "of a namespace and of an object":
        `import * as left from "./left.ts"; import right from "./right.ts"; const where = left.where, other = right.where; // left right | -`,
      "declared and imported in an object":
        `import { tools } from "./right.ts"; const own = { name: "main" }; function where() { return own.name; } export { own }; const other = tools.where; // main right | main main`,
      "imported by name from one alone":
        `import { where } from "./left.ts"; import "./right.ts"; const other = where; // left left | left left`,
    };
    for (const [how, line] of Object.entries(programs)) {
      const [text, told, asWritten] = line.split(/ (?:\/\/|\|) /);
      const main = `${text}\nif (import.meta.main) { ${call("where")} ${call("other")} }`;

      it(`takes the function that is meant: ${how}`, { timeout: LIMIT }, async () => {
        for (const name of ["left", "right"]) writeFileSync(`${folder}/${name}.ts`, module(name));
        assertEquals((await program(main, { name: "alike.ts" })).split("\n").join(" "), told);
      });

      it(`takes no other where the inspector may not be asked: ${how}`, { timeout: LIMIT, skip: !isDeno }, async () => {
        for (const name of ["left", "right"]) writeFileSync(`${folder}/${name}.ts`, module(name));
        const output = await program(main, { name: "alike.ts", flags: ["--allow-read"] });
        assertEquals(output.split("\n").join(" "), asWritten === "-" ? "TargetError TargetError" : asWritten);
      });
    }
  });

  it("are not run again where the target is plainly of another module", { timeout: LIMIT }, async () => {
    writeFileSync(`${folder}/doubles.ts`, DOUBLE);
    const text = `import { double } from "./doubles.ts";
      console.log("once");
      console.log(await new Thread({ target: double, args: [4] }).start().result());`;
    assertEquals(await program(text, { name: "unguarded.ts" }), "once\n8");
  });

  describe("that declare and export a function", () => {
    const programs = {
      "and have another of its name that is no export":
        `export function f() { return "exported"; } const make = () => function f() { return "inner"; }; const g = make(); // exported inner`,
      "and export another that is written alike":
        `const make = () => function f() {};\nexport function f() {}\nexport const h = make(), g = h; // TargetError TargetError`,
      "and seem to, in a comment, export another":
        `/*\nexport function g() { return 1; }\n*/ export function f() { return 2; } function make() { return function g() { return 3; }; } const g = make(); // 2 3`,
      "by two names": `export function f() { return 4; } export { f as g2 }; const g = f; // 4 4`,
    };
    for (const [how, line] of Object.entries(programs)) {
      const [text, expected] = line.split(" // ");
      it(`take no other for it: ${how}`, { timeout: LIMIT }, async () => {
        const calls = ["f", "g"].map((target) =>
          `console.log(await new Thread({ target: ${target} }).start().result().catch((error) => error.name));`
        );
        const output = await program(`${text}\nif (import.meta.main) { ${calls.join("\n")} }`, { name: "declares.ts" });
        assertEquals(output.split("\n").join(" "), expected);
      });
    }
  });

  it("are found if they are JavaScript", { timeout: LIMIT }, async () => {
    assertEquals(
      await program(MAIN.replaceAll(": number", "").replace("<typeof double>", ""), { name: "main.mjs" }),
      "2\n5\n6",
    );
  });

  it("that start threads when they are imported fail, and do not multiply", { timeout: LIMIT }, async () => {
    const output = await program(`
      export function work() { return 1; }
      console.log("imported");
      try {
        console.log(await new Thread({ target: work }).start().result());
      } catch (error) {
        console.log(error.name, error.message);
        throw error;
      }
    `);
    const name = pathToFileURL(`${folder}/main.ts`).href;
    const said =
      `InvalidStateError Cannot start thread as ${name} was imported by Thread-1 (work) and has not finished loading: put the main part of the program under if (import.meta.main)`;
    const lines = output.split("\n").filter((line) => /^(?:imported|InvalidStateError )/.test(line));
    // Once in the thread, and once in the program, to which the thread's error comes.
    assertEquals(lines, ["imported", "imported", said, said]);
  });

  it("may make threads, without starting them, when they are imported", { timeout: LIMIT }, async () => {
    const output = await program(`${DOUBLE}
      const thread = new Thread({ target: double, args: [4] });
      if (import.meta.main) console.log(await thread.start().result());
    `);
    assertEquals(output, "8");
  });

  it("can block for a thread whose function is of another module", { timeout: LIMIT }, async () => {
    writeFileSync(`${folder}/other.ts`, `${DOUBLE}let calls = 0;\nexport const count = () => ++calls;\n`);
    const output = await program(`
      import { count, double as twice } from "./other.ts";
      if (import.meta.main) {
        const thread = new Thread({ target: twice, args: [4] }).start();
        thread.joinSync();
        console.log(await thread.result(), count(), await new Thread({ target: count }).start().result());
      }
    `);
    assertEquals(output, "8 1 1");
  });

  it("need not be allowed more than to read", { timeout: LIMIT, skip: !isDeno }, async () => {
    assertEquals(await program(MAIN, { flags: ["--allow-read"] }), "2\n5\n6");
    // Without any flag, node:child_process on Deno would hand down all that this process is allowed.
    const refused = await program(MAIN, { flags: [`--allow-read=${fileURLToPath(ROOT)}`] });
    assertMatch(refused, /NotCapable: Cannot use function "double" as thread target .*main\.ts.*--allow-read/);
  });

  it("find functions where they were called from timers and callbacks", { timeout: LIMIT }, async () => {
    const output = await program(`${DOUBLE}
      if (import.meta.main) {
        const results = [3, 4].map(async (x) => new Thread({ target: double, args: [x] }).start().result());
        console.log(await Promise.all(results));
        const { promise, resolve } = Promise.withResolvers();
        setTimeout(() => resolve(new Thread({ target: double, args: [5] }).start().result()), 1);
        console.log(await promise);
        queueMicrotask(() => new Thread({ target: double, args: [6] }).start().result().then(console.log));
      }
    `);
    assertEquals(output.replace(/\s+/g, ""), "[6,8]1012");
  });

  it("start threads from threads", { timeout: LIMIT }, async () => {
    const output = await program(`${DOUBLE}
      export async function outer(x: number) {
        const inner = await new Thread({ target: double, args: [x] }).start().result();
        return inner + await new Thread({ target: (y: number) => double(y) + 1, args: [x] }).start().result();
      }
      if (import.meta.main) console.log(await new Thread({ target: outer, args: [10] }).start().result());
    `);
    assertEquals(output, "41");
  });

  it("hand functions over 10,000 times at little cost", { timeout: LIMIT }, async () => {
    const output = await program(`${DOUBLE}
      import { describeTarget } from "${ROOT}_internal/targets/describe.ts";
      if (import.meta.main) {
        const first = JSON.stringify(describeTarget(double, { what: "task" }));
        const start = performance.now();
        let same = true;
        for (let i = 0; i < 10_000; i++) same &&= describeTarget(double, { what: "task" }).module === import.meta.url;
        const each = (performance.now() - start) / 10_000;
        console.log(same, first === JSON.stringify(describeTarget(double, { what: "task" })), each < 1);
      }
    `);
    assertEquals(output, "true true true");
  });
});
