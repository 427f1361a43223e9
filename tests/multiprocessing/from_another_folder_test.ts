/** A program in a folder with spaces, with an import map of its own, that is started from elsewhere. */

import { assertEquals } from "@std/assert";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";

const LIMIT = 60_000;
const ROOT = new URL("../../", import.meta.url);
const isDeno = "Deno" in globalThis;

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
    if (!isDeno) symlinkSync(fileURLToPath(at("node_modules")), `${folder}/my program/node_modules`);
    writeFileSync(
      `${folder}/my program/src/strings.ts`,
      "export const join = (...texts: string[]) => texts.join('+');",
    );
    writeFileSync(`${folder}/my program/src/main #1.ts`, PROGRAM);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const cwd of ["/", "my program", "my program/src"]) {
    it(`started from ${cwd}`, { timeout: 2 * LIMIT }, async () => {
      const flags = isDeno ? ["run", "-A", "--no-check", "--no-lock", "--quiet"] : [];
      const command = [process.execPath, ...flags, `${folder}/my program/src/main #1.ts`];
      const { code, output } = await run(command, { cwd: cwd === "/" ? "/" : `${folder}/${cwd}`, limit: LIMIT });
      assertEquals({ code, output: output.trimEnd() }, { code: 0, output: "a b+function\nc d+function" });
    });
  }
});
