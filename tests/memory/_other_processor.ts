// Takes this processor for another one, as far as the library can tell, and says how it reads and writes a word there.

import process from "node:process";

const arch = process.argv[2]!;
const { Deno } = globalThis as unknown as { Deno?: { build: object } };
if (Deno !== undefined) {
  Object.defineProperty(Deno, "build", { value: { ...Deno.build, arch: arch === "x64" ? "x86_64" : "aarch64" } });
} else {
  Object.defineProperty(process, "arch", { value: arch });
}

const { peek, post } = await import("../../_internal/atomics.ts");

// An atomic operation refuses an array that has no type. A plain access does not.
const words = [0] as unknown as Int32Array;
for (const [name, access] of [["peek", () => peek(words, 0)], ["post", () => post(words, 0, 1)]] as const) {
  let how = "plain";
  try {
    access();
  } catch {
    how = "atomic";
  }
  console.log(`${name}: ${how}`);
}
