/**
 * Names that mean something where they are written: a workspace member's aliases, a project's `node_modules`. The library
 * is from elsewhere, and they mean nothing or something else there. Deno alone, because Bun imports nothing over HTTP.
 */

import { assertEquals } from "@std/assert";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { isDeno } from "../_runtime.ts";
import { serve, type Server } from "./_server.ts";

const LIMIT = 60_000;

/** One line for each way by which a worker gets a function. */
const calls = (kind: string, lines: string) => `
if (import.meta.main) {
  const pool = new Pool(1);
  const show = (what: string, value: Promise<unknown>) => value.catch((error) => error).then((it) => console.log(what, it));
  ${lines}
  await show("one", new ${kind}({ target: (x: number) => twice(x) + 3, args: [1] }).start().result());
  await pool.close();
  await pool.join();
}`;

const WORKSPACE = (library: string, kind: string) => `
import { Pool, ${kind} } from "${library}";
import { twice } from "alias";
import * as alias from "alias";
import tripled from "@scope/alias/thrice.ts";
${
  calls(
    kind,
    `
  await show("named", pool.submit(twice, 1));
  await show("member", pool.submit(alias.quadruple, 1));
  await show("default", pool.submit(tripled, 1));
  await show("inline", pool.submit((x: number) => twice(x) + alias.quadruple(x), 1));
  await show("import()", pool.submit(async (x: number) => (await import("alias")).twice(x), 1));`,
  )
}`;

const PACKAGES = (library: string, kind: string) => `
import { Pool, ${kind} } from "${library}";
import { isNewLine } from "acorn";
import * as acorn from "acorn";
import major from "major";
import twice from "twice";
${
  calls(
    kind,
    `
  await show("named", pool.submit(isNewLine, 10));
  await show("member", pool.submit(acorn.isIdentifierStart, 10));
  await show("default", pool.submit(major, "4.5"));
  await show("inline", pool.submit((text: string) => acorn.parse(text, { ecmaVersion: 2022 }).body.length + Number(major("7.1")), "1; 2"));
  await show("import()", pool.submit(async () => (await import("major")).default("9.1"), 1));`,
  )
}`;

describe("bare names in a program that imports the package from a server", { skip: !isDeno }, () => {
  let server: Server;
  let folder: string;
  let cache: string;

  function write(path: string, text: string): void {
    mkdirSync(new URL(".", `file://${folder}/${path}`), { recursive: true });
    writeFileSync(`${folder}/${path}`, text);
  }

  before(async () => {
    server = await serve();
    folder = mkdtempSync(`${tmpdir()}/bare-names-`);
    cache = `${folder}/cache`;
    const { output } = await run([process.execPath, "info", "--json"], { cwd: folder, limit: LIMIT });
    const { npmCache } = JSON.parse(output);
    mkdirSync(npmCache, { recursive: true });
    mkdirSync(cache);
    symlinkSync(npmCache, `${cache}/npm`);
    write("space/deno.json", JSON.stringify({ workspace: ["./app"], imports: { "alias": "./wrong.ts" } }));
    write("space/wrong.ts", "export const twice = () => 'wrong', quadruple = twice;");
    write(
      "space/app/deno.json",
      JSON.stringify({ name: "@x/app", exports: "./main.ts", imports: { alias: "./u.ts", "@scope/alias/": "./" } }),
    );
    write(
      "space/app/u.ts",
      "const two = 2;\nexport const twice = (x: number) => x * two;\nexport function quadruple(x: number) { return twice(twice(x)); }",
    );
    write("space/app/thrice.ts", "const three = 3;\nexport default (x: number) => x * three;");
    write("project/package.json", JSON.stringify({ dependencies: { acorn: "*", major: "*", twice: "*" } }));
    cpSync(
      fileURLToPath(new URL("../../node_modules/acorn", import.meta.url)),
      `${folder}/project/node_modules/acorn`,
      {
        recursive: true,
        dereference: true,
      },
    );
    write("project/node_modules/major/package.json", JSON.stringify({ name: "major", version: "1.0.0" }));
    write(
      "project/node_modules/major/index.js",
      "const dot = '.';\nmodule.exports = function major(version) { return version.split(dot)[0]; };",
    );
    write(
      "project/node_modules/twice/package.json",
      JSON.stringify({
        name: "twice",
        version: "1.0.0",
        type: "module",
        exports: { import: "./esm.js", require: "./no.cjs" },
      }),
    );
    write("project/node_modules/twice/esm.js", "const two = 2;\nexport default function (x) { return x * two; }");
    write("project/node_modules/twice/no.cjs", "module.exports = () => 'wrong';");
  });

  after(() => {
    server?.stop();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  });

  async function runProgram(file: string, flags: string[]): Promise<string[]> {
    const command = [process.execPath, "run", "--no-lock", "--no-prompt", "--quiet", "--no-check", ...flags, file];
    const { output, timedOut } = await run(command, { cwd: folder, env: { DENO_DIR: cache }, limit: LIMIT / 2 });
    assertEquals(timedOut, false, output);
    return output.trimEnd().split("\n");
  }

  for (const [scope, kind] of [["threading", "Thread"], ["multiprocessing", "Process"]]) {
    const some = scope === "threading"
      ? ["--allow-read", "--allow-import"]
      : ["--allow-read", "--allow-import", "--allow-run", "--allow-ffi", "--allow-env"];
    for (const flags of [["-A"], some]) {
      const how = `by ${scope} ${flags.length > 1 ? "without asking the inspector" : "with all permissions"}`;

      it(`are a workspace member's aliases ${how}`, { timeout: LIMIT }, async () => {
        write(`space/app/${scope}.ts`, WORKSPACE(`${server.origin}/${scope}/mod.ts`, kind));
        assertEquals(await runProgram(`space/app/${scope}.ts`, flags), [
          "named 2",
          "member 4",
          "default 3",
          "inline 6",
          "import() 2",
          "one 5",
        ]);
      });

      it(`are the packages beside the module ${how}`, { timeout: LIMIT }, async () => {
        write(`project/src/${scope}.ts`, PACKAGES(`${server.origin}/${scope}/mod.ts`, kind));
        assertEquals(await runProgram(`project/src/${scope}.ts`, flags), [
          "named true",
          "member false",
          "default 4",
          "inline 9",
          "import() 9",
          "one 5",
        ]);
      });
    }
  }
});
