/** What compiles and what does not, checked by `deno check`. The test runs nothing of it. */

import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import type {
  CurrentTask,
  Future,
  MapOptions,
  MapRangeOptions,
  OnProgress,
  Pool as ThreadPool,
  PoolStats,
  ProgressRate,
  SharedArray,
  TaskOptions,
  Times,
} from "@weft/concurrent/threading";
import type { Pool as ProcessPool } from "@weft/concurrent/multiprocessing";
import { asCompleted, Pool } from "@weft/concurrent/threading";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

function is<_ extends true>(): void {}

const square = (x: number): number => x * x;
const later = (x: number): Promise<string> => Promise.resolve(String(x));
const add = (a: number, b: number): number => a + b;
const parse = (text: string, radix?: number): number => Number.parseInt(text, radix);
const nothing = (): void => {};
const sumOf = (begin: number, end: number, numbers: SharedArray<"f64">, label: string): string =>
  label + numbers.array.subarray(begin, end).reduce((a, b) => a + b, 0);

/** Never called. */
export function inferred(pool: ThreadPool | ProcessPool): void {
  const mapped = pool.map(square, [1, 2]);
  is<Same<typeof mapped, Promise<number[]>>>();
  const awaited = pool.map(later, new Set([1]));
  is<Same<typeof awaited, Promise<string[]>>>();
  const starred = pool.starmap(add, [[1, 2]]);
  is<Same<typeof starred, Promise<number[]>>>();
  const streamed = pool.imap(later, [1]);
  is<Same<typeof streamed, AsyncIterableIterator<string>>>();
  const unordered = pool.imapUnordered(
    square,
    (async function* () {
      yield await Promise.resolve(1);
    })(),
  );
  is<Same<typeof unordered, AsyncIterableIterator<number>>>();
  const submitted = pool.submit(later, 1);
  is<Same<typeof submitted, Future<string>>>();
  const applied = pool.apply(add, [1, 2]);
  is<Same<typeof applied, Future<number>>>();
  const builtIn = pool.map(Math.sqrt, [1]);
  is<Same<typeof builtIn, Promise<number[]>>>();
  const inline = pool.map((x: number) => ({ x }), [1]);
  is<Same<typeof inline, Promise<{ x: number }[]>>>();
  const texts = pool.map((text) => text.length, ["a"]);
  is<Same<typeof texts, Promise<number[]>>>();
  void [pool.submit(parse, "1"), pool.submit(parse, "1", 2), pool.apply(nothing), pool.map(nothing, [1])];
  const futures: Future<unknown>[] = [submitted, applied];
  void futures;

  // @ts-expect-error a text is no number
  void pool.map(square, ["1"]);
  // @ts-expect-error the second argument is missing
  void pool.submit(add, 1);
  // @ts-expect-error there is one argument too many
  void pool.submit(square, 1, 2);
  // @ts-expect-error a text is no number
  void pool.apply(add, [1, "2"]);
  // @ts-expect-error a pair is missing its second
  void pool.starmap(add, [[1]]);
  // @ts-expect-error a text is no number
  void pool.imap(square, ["1"]);
  // @ts-expect-error no function
  void pool.map(5, [1]);
  // @ts-expect-error map takes no async iterable
  void pool.map(square, (async function* () {})());
  // @ts-expect-error the result is a number
  const wrong: Promise<string[]> = pool.map(square, [1]);
  void wrong;
}

/** Never called. */
export async function settled(numbers: Future<number>[], texts: Set<Future<string>>): Promise<void> {
  for await (const future of asCompleted(numbers)) is<Same<typeof future, Future<number>>>();
  // Once more: the compiler remembers what it found out.
  for await (const future of asCompleted(numbers)) is<Same<typeof future, Future<number>>>();
  for await (const future of asCompleted(texts, { timeout: 1 })) {
    is<Same<typeof future, Future<string>>>();
    const text = await future;
    is<Same<typeof text, string>>();
  }
  const iterable: AsyncIterable<Future<number>> = asCompleted(numbers);
  void iterable;
  const { value, done } = await asCompleted(texts).next();
  if (!done) is<Same<typeof value, Future<string>>>();
}

/** Never called. */
export function initialized(): void {
  const pool: ThreadPool = new Pool(1, { initializer: add, initargs: [1, 2] });
  void pool;
  // @ts-expect-error a text is no number
  new Pool(1, { initializer: add, initargs: [1, "2"] });
  // @ts-expect-error workers are counted
  new Pool("2");
  // @ts-expect-error there is no such option
  new Pool(1, { initialiser: add });
}

/** Never called. */
export function ranged(pool: ThreadPool | ProcessPool, numbers: SharedArray<"f64">, words: SharedArray<"i64">): void {
  const lengths = pool.mapRange(add, 10);
  is<Same<typeof lengths, Promise<number[]>>>();
  const sums = pool.mapRange(sumOf, numbers, { args: [numbers, "sum"] });
  is<Same<typeof sums, Promise<string[]>>>();
  const inline = pool.mapRange((begin, end) => ({ begin, end }), 10, { chunksize: 3, priority: 1, retries: 2 });
  is<Same<typeof inline, Promise<{ begin: number; end: number }[]>>>();
  const given = pool.mapRange((begin, _end, factor) => begin * factor, 10, { args: [3] });
  is<Same<typeof given, Promise<number[]>>>();
  void [pool.mapRange(square, 10), pool.mapRange(nothing, new Uint8Array(3)), pool.mapRange(add, [1, 2])];
  const args = [numbers, "sum"] as const;
  void pool.mapRange(sumOf, numbers, { args });

  const elements = pool.map(square, numbers);
  is<Same<typeof elements, Promise<number[]>>>();
  const large = pool.map((x: bigint) => x, words);
  is<Same<typeof large, Promise<bigint[]>>>();
  void [pool.map(square, new Float64Array(3)), pool.map((x: bigint) => x, new BigInt64Array(3))];

  // @ts-expect-error what is in args is of another type
  void pool.mapRange(sumOf, numbers, { args: ["sum", numbers] });
  // @ts-expect-error something is missing in args
  void pool.mapRange(sumOf, numbers, { args: [numbers] });
  // @ts-expect-error there is more in args than the function takes
  void pool.mapRange(add, 10, { args: [1] });
  // @ts-expect-error the bounds are numbers
  void pool.mapRange(parse, 10);
  // @ts-expect-error something that has no length
  void pool.mapRange(add, new Set([1]));
  // @ts-expect-error the result is a text
  const wrong: Promise<number[]> = pool.mapRange(sumOf, numbers, { args: [numbers, "sum"] });
  void wrong;
  // @ts-expect-error the elements are bigints
  void pool.map(square, words);
  // @ts-expect-error the elements are numbers
  void pool.map((x: bigint) => x, new Int32Array(3));
}

/** Never called. */
export async function inEach(pool: ThreadPool | ProcessPool): Promise<void> {
  const results = pool.each(later, 1);
  is<Same<typeof results, Promise<string[]>>>();
  const sums = pool.each(add, 1, 2);
  is<Same<typeof sums, Promise<number[]>>>();
  const inline = pool.each((x: number) => ({ x }), 1);
  is<Same<typeof inline, Promise<{ x: number }[]>>>();
  void [pool.each(nothing), pool.each(parse, "1"), pool.each(parse, "1", 2)];
  const warm = pool.warm();
  is<Same<typeof warm, Promise<void>>>();

  // @ts-expect-error the second argument is missing
  void pool.each(add, 1);
  // @ts-expect-error there is one argument too many
  void pool.each(square, 1, 2);
  // @ts-expect-error a text is no number
  void pool.each(square, "1");
  // @ts-expect-error no function
  void pool.each(5);
  // @ts-expect-error the results are numbers
  const wrong: string[] = await pool.each(square, 1);
  void wrong;
  // @ts-expect-error it takes no arguments
  void pool.warm(2);
}

/** Never called. */
export function options(pool: ThreadPool | ProcessPool, current: CurrentTask): void {
  const of: TaskOptions = { priority: 1, retries: 2, timeout: 3, killAfter: 4, transfer: [] };
  const bulk: MapOptions = { ...of, chunksize: 5, onProgress: (done, total) => void [done, total] };
  const ranges: MapRangeOptions<[string]> = { ...bulk, args: ["a"] };
  const onProgress: OnProgress = (done, total, rate) => {
    is<Same<typeof done, number>>();
    is<Same<typeof total, number | undefined>>();
    is<Same<typeof rate, ProgressRate>>();
    is<Same<typeof rate.rate, number>>();
    is<Same<typeof rate.remaining, number | undefined>>();
  };
  void [pool.apply(add, [1, 2], of), pool.map(square, [1], bulk), pool.imap(square, [1], { ...bulk, onProgress })];
  void [pool.starmap(add, [[1, 2]], bulk), pool.imapUnordered(square, [1], bulk)];
  void pool.mapRange((_begin: number, _end: number, _text: string) => {}, 10, ranges);
  void pool.map(square, [1], { onProgress: () => {} });
  const stats: PoolStats = pool.stats();
  const times: Times[] = [stats.waitTime, stats.runTime];
  void times;
  is<Same<typeof current.attempt, number>>();
  is<Same<typeof current.state, unknown>>();
  const state = { n: 1 };
  new Pool(2, { concurrency: 2, min: 1, max: 2, maxMemory: 2 ** 30, initializer: () => state });
  new Pool(undefined, { min: 1, max: 2, initializer: later, initargs: [1] });

  // @ts-expect-error priorities are numbers
  void pool.apply(add, [1, 2], { priority: "high" });
  // @ts-expect-error tries are counted
  void pool.map(square, [1], { retries: true });
  // @ts-expect-error a lone task has no chunks
  void pool.apply(add, [1, 2], { chunksize: 2 });
  // @ts-expect-error a map has no further arguments
  void pool.map(square, [1], { args: [1] });
  // @ts-expect-error the callback gets a rate, and no text
  void pool.map(square, [1], { onProgress: (_done: number, _total: number | undefined, _rate: string) => {} });
  // @ts-expect-error what is known of a task is not to be changed
  current.attempt = 2;
  // @ts-expect-error tasks at a time are counted
  new Pool(2, { concurrency: "2" });
  // @ts-expect-error workers are counted
  new Pool(undefined, { min: "1" });
  // @ts-expect-error workers are counted
  new Pool(undefined, { max: true });
  // @ts-expect-error bytes are counted
  new Pool(2, { maxMemory: "1 GB" });
}

describe("types of pools", () => {
  it("are checked by the compiler", { timeout: 5000 }, () => {
    for (const never of [inferred, settled, initialized, ranged, inEach, options]) {
      assertEquals(typeof never, "function");
    }
  });
});
