/** Calls of the C library, bound as the library binds them: what they take is the runtime's way there, and the system's. */

import { loadNative } from "../../_internal/system/ffi.ts";
import { loadLibc } from "../../_internal/system/system.ts";
import type { Work } from "../lib/play.ts";
import { keep } from "../_harness.ts";

const LIBRARIES = ["libc.so.6", "libc.so", "/usr/lib/libSystem.B.dylib"];
const PAGE = 4096;
/** A word has 0, so a wait for another value returns at once. */
const OTHER = 1;
/** Never reached. */
const MS = 1_000;

/** The works. */
export function nativeWorks(): Record<string, Work> {
  const action = "measure calls of the C library";
  const c = loadNative(action).open(LIBRARIES, { abs: { parameters: ["i32"], result: "i32" } });
  const libc = loadLibc(action);
  const word = libc.mapOwn(PAGE);
  return {
    "call of a function that does nothing": (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) sum = (sum + c.abs(i)) | 0;
      keep(sum);
    },
    "futex: wake without a sleeper": (n) => {
      for (let i = 0; i < n; i++) libc.wake(word, 1);
    },
    "futex: wait that returns at once": (n) => {
      for (let i = 0; i < n; i++) libc.wait(word, OTHER, MS);
    },
  };
}
