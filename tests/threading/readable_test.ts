/** What a user reads of the most likely mistake, also where the library's files are those of the package. */

import { assert } from "@std/assert";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RUN_FLAGS } from "../_runtime.ts";

const PROGRAM = fileURLToPath(new URL("./_unguarded.ts", import.meta.url));

describe("a program whose main part has no guard", () => {
  it("gets the advice to add a guard, in readable lines", { timeout: 30_000 }, () => {
    const { stderr } = spawnSync(process.execPath, [...RUN_FLAGS, PROGRAM], { encoding: "utf8", timeout: 20_000 });
    assert(stderr.includes("put the main part of the program under if (import.meta.main)"), stderr);
    for (const line of stderr.split("\n")) assert(line.length < 400, `a line of ${line.length} characters: ${line}`);
  });
});
