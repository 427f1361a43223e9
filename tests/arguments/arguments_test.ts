import { assertEquals } from "@std/assert";
import process from "node:process";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { RUN_FLAGS } from "../_runtime.ts";

const LIMIT = 60_000;

it("every worker has the arguments of the program when its first module runs", { timeout: LIMIT }, async () => {
  const file = fileURLToPath(new URL("./_program.ts", import.meta.url));
  const given = ["--factor", "3", "--", "a b", ""];
  const { code, output } = await run([process.execPath, ...RUN_FLAGS, file, ...given], { limit: LIMIT - 10_000 });
  const line = JSON.stringify([given, given]);
  assertEquals({ code, output: output.trimEnd().split("\n") }, {
    code: 0,
    output: [...Array(8).fill(line), "the main module is the program's"],
  });
});
