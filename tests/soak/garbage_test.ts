import { assert } from "@std/assert";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { isLong } from "../_rounds.ts";
import { RUN_FLAGS } from "../_runtime.ts";

const MB = 2 ** 20;
const linux = process.platform === "linux";

/** By how many bytes a process grows that takes a lock so often. */
function growth(scope: string, count: number): number {
  const program = fileURLToPath(new URL("./_garbage_program.ts", import.meta.url));
  const { stdout, stderr, status } = spawnSync(process.execPath, [...RUN_FLAGS, program, scope, String(count)], {
    encoding: "utf8",
  });
  assert(status === 0, stderr);
  return Number(stdout);
}

describe("garbage is collected though much memory is reserved", () => {
  it(
    "in a program of threads that does not return to its event loop",
    { timeout: 120_000, skip: !linux || !isLong },
    () => {
      // 60 bytes each, where they stay.
      const bytes = growth("thread", 5_000_000);
      assert(bytes < 100 * MB, `${(bytes / MB).toFixed(0)} MB more`);
    },
  );

  it("in a program of processes, at the latest when there is as much as is reserved", {
    timeout: 120_000,
    skip: !linux || !isLong,
  }, () => {
    const bytes = growth("process", 25_000_000);
    assert(bytes < 1_200 * MB, `${(bytes / MB).toFixed(0)} MB more`);
  });
});
