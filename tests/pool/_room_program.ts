/** What pools do in a memory of 64 MiB; prints what does not hold, and "done". Arguments: the kind, and which of {@linkcode parts}. */

import process from "node:process";
import { assertEquals } from "@std/assert";
import { configure } from "@weft/concurrent/sync";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";

configure({ memory: 64 << 20 });

export function same(bytes: Uint8Array): Uint8Array {
  return bytes;
}

type Pool = threading.Pool;

/** 80 MB: 2 MB each, told apart by their first byte. */
function forty(): Uint8Array[] {
  return Array.from({ length: 40 }, (_, i) => new Uint8Array(2_000_000).fill(i, 0, 1));
}

function checkForty(results: Uint8Array[]): void {
  assertEquals(results.map(({ length }) => length), Array(40).fill(2_000_000));
  assertEquals(results.map(([first]) => first).sort((a, b) => a - b), Array.from({ length: 40 }, (_, i) => i));
}

const parts: Record<string, (pool: Pool) => Promise<void>> = {
  map: async (pool) => {
    checkForty(await pool.map(same, forty()));
    checkForty(await pool.map(same, forty(), { chunksize: 40 }));
  },
  submit: async (pool) => checkForty(await Promise.all(forty().map((bytes) => pool.submit(same, bytes)))),
  starmap: async (pool) => checkForty(await pool.starmap(same, forty().map((bytes): [Uint8Array] => [bytes]))),
  imap: async (pool) => {
    checkForty(await Array.fromAsync(pool.imap(same, forty())));
    checkForty(await Array.fromAsync(pool.imapUnordered(same, forty(), { chunksize: 20 })));
  },
};

if (import.meta.main) {
  const [kind, part] = process.argv.slice(2);
  const { Pool } = (kind === "thread" ? threading : multiprocessing) as typeof threading;
  const pool = new Pool(2);
  await parts[part](pool);
  pool.close();
  await pool.join();
  console.log("done");
}
