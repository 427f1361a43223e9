/** A program in a folder with spaces, with an import map of its own, that is started from elsewhere. */

import { assertEquals } from "@std/assert";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { keptOfBun, keptOfNode } from "../../_internal/processes/runtime_command.ts";
import { run } from "../../tools/_run.ts";
import { isDeno, isNode, runFlags } from "../_runtime.ts";

const LIMIT = 60_000;
const ROOT = new URL("../../", import.meta.url);
const FLAGS = runFlags("-A", "--no-lock", "--quiet");

const PROGRAM = `
  import { Process } from "@weft/concurrent/multiprocessing";
  import { join } from "own/strings";
  import { Packr } from "msgpackr";
  export function hello(name) { return join(name, typeof Packr); }
  if (import.meta.main) {
    console.log(await new Process({ target: hello, args: ["a b"] }).start().result());
    const nested = new Process({ target: nest, args: ["c d"] }).start();
    nested.joinSync();
    console.log(await nested.result());
  }
  export async function nest(name) { return await new Process({ target: hello, args: [name] }).start().result(); }
`;

describe("a program from another folder", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(`${tmpdir()}/weft folder `);
    mkdirSync(`${folder}/my program/src`, { recursive: true });
    const at = (path: string) => new URL(path, ROOT).href;
    const imports = {
      "@weft/concurrent/multiprocessing": at("multiprocessing/mod.ts"),
      "own/strings": "./src/strings.ts",
      msgpackr: "npm:msgpackr@^2.1.4",
      acorn: "npm:acorn@^8.19.0",
    };
    writeFileSync(`${folder}/my program/deno.json`, JSON.stringify({ imports, nodeModulesDir: "none" }));
    const paths = {
      "@weft/concurrent/multiprocessing": [fileURLToPath(at("multiprocessing/mod.ts"))],
      "own/strings": ["./src/strings.ts"],
    };
    writeFileSync(`${folder}/my program/tsconfig.json`, JSON.stringify({ compilerOptions: { paths } }));
    if (isNode) {
      // Node has no import maps: each name is that of a package.
      const packages = `${folder}/my program/node_modules`;
      mkdirSync(`${packages}/@weft`, { recursive: true });
      symlinkSync(fileURLToPath(ROOT), `${packages}/@weft/concurrent`);
      symlinkSync(fileURLToPath(at("node_modules/msgpackr")), `${packages}/msgpackr`);
      symlinkSync("../src", `${packages}/own`);
      const own = { name: "own", type: "module", exports: { "./strings": "./strings.ts" } };
      writeFileSync(`${folder}/my program/src/package.json`, JSON.stringify(own));
    } else if (!isDeno) {
      symlinkSync(fileURLToPath(at("node_modules")), `${folder}/my program/node_modules`);
    }
    writeFileSync(
      `${folder}/my program/src/strings.ts`,
      "export const join = (...texts: string[]) => texts.join('+');",
    );
    writeFileSync(`${folder}/my program/src/main #1.ts`, PROGRAM);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const cwd of ["/", "my program", "my program/src"]) {
    it(`started from ${cwd}`, { timeout: 2 * LIMIT }, async () => {
      const command = [process.execPath, ...FLAGS, `${folder}/my program/src/main #1.ts`];
      const { code, output } = await run(command, { cwd: cwd === "/" ? "/" : `${folder}/${cwd}`, limit: LIMIT });
      assertEquals({ code, output: output.trimEnd() }, { code: 0, output: "a b+function\nc d+function" });
    });
  }
});

describe("a program that is given as text", () => {
  const folder = fileURLToPath(new URL(".", import.meta.url));
  const code = `
    import { Process } from "@weft/concurrent/multiprocessing";
    import { add } from "./_process_targets.ts";
    const child = new Process({ target: add, args: [1, 2] }).start();
    console.log(await child.result());
  `;
  const ways = isDeno
    ? [["eval", "--no-lock"]]
    : isNode
    ? [[...FLAGS, "-e"], [...FLAGS, "--input-type=module", "--eval"]]
    : [["-e"], ["--eval"], ["--smol", "-p"]];
  for (const flags of ways) {
    it(`with ${flags.slice(isNode ? FLAGS.length : 0).join(" ")}`, { timeout: 2 * LIMIT }, async () => {
      const { code: status, output } = await run([process.execPath, ...flags, code], { cwd: folder, limit: LIMIT });
      assertEquals({ status, first: output.trimStart().split("\n")[0] }, { status: 0, first: "3" });
    });
  }

  it("its flags are not those of its children", () => {
    const flags = [
      "-e",
      "code",
      "--smol",
      "--print=code",
      "--cwd",
      "..",
      "--preload",
      "./-e",
      "--hot",
      "--inspect=1",
      "-",
    ];
    assertEquals(keptOfBun(flags), ["--smol", "--preload", "./-e"]);
  });

  it("its flags are not those of its children on Node", () => {
    const flags = [
      "--import",
      "./-e",
      "-e",
      "code",
      "--eval=code",
      "--test",
      "--watch-path",
      "..",
      "--inspect-brk=1",
      "-",
    ];
    assertEquals(keptOfNode(flags), ["--import", "./-e", "--disable-warning=ExperimentalWarning"]);
    assertEquals(keptOfNode(["--disable-warning=ExperimentalWarning"]), ["--disable-warning=ExperimentalWarning"]);
  });
});

describe("a program with a package.json and no deno.json", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(`${tmpdir()}/weft package `);
    mkdirSync(`${folder}/program/node_modules/@weft`, { recursive: true });
    mkdirSync(`${folder}/program/node_modules/joiner`);
    symlinkSync(fileURLToPath(new URL(".", ROOT)), `${folder}/program/node_modules/@weft/concurrent`);
    const write = (name: string, text: string): void => writeFileSync(`${folder}/program/${name}`, text);
    const joiner = { name: "joiner", version: "1.0.0", type: "module", exports: "./index.js" };
    write("node_modules/joiner/package.json", JSON.stringify(joiner));
    write("node_modules/joiner/index.js", "export const join = (...texts) => texts.join('+');");
    write("package.json", JSON.stringify({ type: "module", imports: { "#own": "./own.ts" } }));
    write("own.ts", "export const own = 'own';");
    write(
      "main.ts",
      `
        import { Process } from "@weft/concurrent/multiprocessing";
        import { join } from "joiner";
        import { own } from "#own";
        export function hello(name) { return join(name, own); }
        if (import.meta.main) {
          console.log(await new Process({ target: hello, args: ["a"] }).start().result());
          console.log(await new Process({ target: join, args: ["b", "c"] }).start().result());
        }
      `,
    );
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const above of ["nothing", "the configuration of another project"]) {
    for (const cwd of ["/", "program"]) {
      it(`started from ${cwd}, with ${above} further up`, { timeout: 2 * LIMIT }, async () => {
        if (above !== "nothing") writeFileSync(`${folder}/deno.json`, "{}");
        const command = [process.execPath, ...FLAGS, `${folder}/program/main.ts`];
        const { code, output } = await run(command, { cwd: cwd === "/" ? "/" : `${folder}/${cwd}`, limit: LIMIT });
        assertEquals({ code, output: output.trimEnd() }, { code: 0, output: "a+own\nb+c" });
      });
    }
  }
});
