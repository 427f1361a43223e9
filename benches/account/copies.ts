/** Bytes that are copied into shared memory and out of it. */

import type { Work } from "../lib/play.ts";

const SIZES = { "1 KB": 1024, "1 MiB": 2 ** 20 } as const;

/** The works. */
export function copyWorks(): Record<string, Work> {
  const works: Record<string, Work> = {};
  for (const [name, bytes] of Object.entries(SIZES)) {
    const shared = new Uint8Array(new SharedArrayBuffer(bytes));
    const own = new Uint8Array(bytes);
    works[`${name} into a SharedArrayBuffer`] = (n) => {
      for (let i = 0; i < n; i++) shared.set(own);
    };
    works[`${name} out of a SharedArrayBuffer`] = (n) => {
      for (let i = 0; i < n; i++) own.set(shared);
    };
  }
  return works;
}
