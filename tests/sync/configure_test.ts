import { configure, InvalidStateError, Lock } from "@weft/concurrent/sync";
import { assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { run } from "../../tools/_run.ts";
import { runFlags } from "../_runtime.ts";

const LIMIT = { timeout: 120_000 };
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

describe("configure", () => {
  it("refuses what is no size of a memory", LIMIT, () => {
    for (const memory of [0, -1, 1000, 2 ** 33, NaN, Infinity]) {
      assertThrows(() => configure({ memory }), RangeError, "'memory' must be from");
    }
    for (const memory of ["64 MB", null, 2n ** 24n]) {
      assertThrows(() => configure({ memory: memory as never }), TypeError, "'memory' must be a number of bytes");
    }
    for (const options of [undefined, null, 5]) {
      assertThrows(() => configure(options as never), TypeError, "options must be an object");
    }
    configure({});
  });

  it("throws InvalidStateError once the memory is in use", LIMIT, () => {
    configure({ memory: 2 ** 24 });
    configure({ memory: 2 ** 25 });
    new Lock();
    assertThrows(() => configure({ memory: 2 ** 24 }), InvalidStateError, "in use");
    configure({});
  });

  it("bounds the memory: what has no room throws, nothing is changed, and the program goes on", LIMIT, async () => {
    const program = fileURLToPath(new URL("./programs/small_memory.ts", import.meta.url));
    const { code, output } = await run([process.execPath, ...runFlags("--allow-read"), program], {
      cwd: ROOT,
      limit: 100_000,
    });
    assertEquals({ code, output: output.trim() }, { code: 0, output: "done" });
  });
});
