/** What compiles and what does not: checked by `deno check`, and run to see that nothing of it runs. */

import { describe, it } from "node:test";
import { assertEquals } from "@std/assert";
import type { Future, Pool as ThreadPool } from "@weft/concurrent/threading";
import type { Pool as ProcessPool } from "@weft/concurrent/multiprocessing";
import { asCompleted, Pool } from "@weft/concurrent/threading";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;

function is<_ extends true>(): void {}

const square = (x: number): number => x * x;
const later = (x: number): Promise<string> => Promise.resolve(String(x));
const add = (a: number, b: number): number => a + b;
const parse = (text: string, radix?: number): number => Number.parseInt(text, radix);
const nothing = (): void => {};

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

describe("types of pools", () => {
  it("are checked by the compiler", { timeout: 5000 }, () => {
    assertEquals(typeof inferred, "function");
  });
});
