/** Pools in a memory of 64 MiB. Prints failures, and "done" at the end. Arguments: the kind, and which of {@linkcode parts}. */

import process from "node:process";
import { assert, assertEquals } from "@std/assert";
import { configure } from "@weft/concurrent/sync";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";

configure({ memory: 64 << 20 });

export function same(bytes: Uint8Array): Uint8Array {
  return bytes;
}

export function make(bytes: number): Uint8Array {
  return new Uint8Array(bytes).fill(7);
}

export function half(x: number): number {
  return x / 2;
}

export function lengthOf(bytes: Uint8Array): number {
  return bytes.length;
}

export async function consume(queue: threading.Queue<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const item of queue) bytes += item.length;
  return bytes;
}

type Pool = threading.Pool;
type Kind = typeof threading;

/** Rejects with the sizes in the error. */
async function sizesOf(promise: Promise<unknown>): Promise<{ needed: number; available: number }> {
  const error = await promise.then(() => undefined, (error) => error);
  assert(error instanceof RangeError, `${error}`);
  const { needed, available } = error as RangeError & { needed: number; available: number };
  assert(error.message.includes(`needed ${needed} bytes, available about ${available}`), error.message);
  return { needed, available };
}

/** 80 MB: 2 MB each, told apart by their first byte. */
function forty(): Uint8Array[] {
  return Array.from({ length: 40 }, (_, i) => new Uint8Array(2_000_000).fill(i, 0, 1));
}

function checkForty(results: Uint8Array[]): void {
  assertEquals(results.map(({ length }) => length), Array(40).fill(2_000_000));
  assertEquals(results.map(([first]) => first).sort((a, b) => a - b), Array.from({ length: 40 }, (_, i) => i));
}

const parts: Record<string, (pool: Pool, kind: Kind) => Promise<void>> = {
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
  results: async (pool) => {
    // Results much larger than their inputs: in units of many items, and larger than half of the memory.
    for (const [bytes, count] of [[100_000, 2_000], [2_000_000, 100], [25_000_000, 6], [50_000_000, 3]]) {
      const results = await pool.map(make, Array(count).fill(bytes));
      assertEquals(results.length, count);
      assert(results.every((result) => result.length === bytes && result[0] === 7 && result[bytes - 1] === 7));
    }
    assertEquals(
      await pool.map(lengthOf, Array.from({ length: 3 }, () => new Uint8Array(50_000_000))),
      Array(3).fill(50_000_000),
    );
  },
  pools: async (_pool, { Pool }) => {
    const pools = Array.from({ length: 4 }, () => new Pool(2));
    const results = await Promise.all(
      pools.map((pool, i) =>
        i % 2 === 0
          ? pool.map(same, forty()).then((results) => results.map(lengthOf))
          : pool.map(make, Array(5).fill(20_000_000)).then((results) => results.map(lengthOf))
      ),
    );
    assertEquals(results.map(({ length }) => length), [40, 5, 40, 5]);
    for (const pool of pools) {
      pool.close();
      await pool.join();
    }
  },
  queue: async (pool, { Pool, Queue }) => {
    // A queue holds most of the memory. Another pool empties it only when this pool has begun to wait.
    const queue = new Queue<Uint8Array>();
    for (let i = 0; i < 25; i++) queue.putSync(new Uint8Array(2_000_000));
    const results = pool.map(make, Array(4).fill(30_000_000));
    const other = new Pool(1);
    const consumed = other.submit(consume, queue);
    queue.shutdown();
    assertEquals((await results).map(lengthOf), Array(4).fill(30_000_000));
    assertEquals(await consumed, 50_000_000);
    other.close();
    await other.join();
  },
  numbers: async (pool, { SharedArray }) => {
    // When the memory is full there may be batches or not. When it is not full, the existing batches are used.
    const numbers = Float64Array.from({ length: 20_000 }, (_, i) => i / 3);
    const halves = [...numbers].map((x) => x / 2);
    for (const known of [0, 2_000]) {
      await pool.map(half, numbers.subarray(0, known + 200));
      const arrays: Disposable[] = [];
      for (let bytes = 1 << 25; bytes > 4;) {
        try {
          arrays.push(new SharedArray("u8", bytes));
        } catch {
          bytes >>= 1;
        }
      }
      for (let i = 0; i < 3; i++) assertEquals(await pool.map(half, numbers), halves);
      for (const array of arrays) array[Symbol.dispose]();
      for (let i = 0; i < 3; i++) assertEquals(await pool.map(half, numbers), halves);
    }
    checkForty(await pool.map(same, forty()));
  },
  never: async (pool, { SharedArray }) => {
    const whole = 64 << 20;
    for (const promise of [pool.map(make, [1, 2 * whole]), pool.submit(lengthOf, new Uint8Array(2 * whole))]) {
      const { needed, available } = await sizesOf(promise);
      assert(needed > 2 * whole && available < whole && available > whole * 0.7, `${needed}, ${available}`);
    }
    // The error says how much is available, and that much can be used.
    const array = new SharedArray("u8", 30_000_000);
    const { needed, available } = await sizesOf(pool.submit(make, 50_000_000));
    assert(needed > 50_000_000 && available < whole - 30_000_000, `${needed}, ${available}`);
    assertEquals((await pool.submit(make, available - 1_000)).length, available - 1_000);
    assertEquals(await pool.submit(lengthOf, new Uint8Array(available - 1_000)), available - 1_000);
    array[Symbol.dispose]();
    checkForty(await pool.map(same, forty()));
  },
};

if (import.meta.main) {
  const [kind, part] = process.argv.slice(2);
  const classes = (kind === "thread" ? threading : multiprocessing) as Kind;
  const pool = new classes.Pool(2);
  await parts[part](pool, classes);
  pool.close();
  await pool.join();
  console.log("done");
}
