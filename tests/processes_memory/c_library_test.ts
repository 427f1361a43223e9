import { assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { describe, it } from "node:test";
import { NotSupportedError } from "../../_internal/errors.ts";
import { loadNative } from "../../_internal/system/ffi.ts";

const SIGNATURES = { getpid: { parameters: [], result: "i32" } } as const;

describe("the C library", () => {
  it("is the first of the list that is there", () => {
    const c = loadNative("test").open(["libnone.so.6", "libc.so.6", "libnone.so.7"], SIGNATURES);
    assertEquals(c.getpid(), process.pid);
  });

  it("is refused with what works without it, if none is there or has all functions", () => {
    const missing = { weft_has_no_such_function: SIGNATURES.getpid };
    assertThrows(
      () => loadNative("test").open(["libc.so.6", "libnone.so.6"], missing),
      NotSupportedError,
      "Cannot use the C library as none of libc.so.6, libnone.so.6 has the functions that are needed: threads and all of @weft/concurrent/sync work without it",
    );
  });
});
