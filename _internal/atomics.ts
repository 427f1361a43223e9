/**
 * Every atomic operation of the library, and nothing else.
 *
 * One module, so that a model checker can put its own in its place and decide after each operation which thread goes
 * next. All operations are sequentially consistent; the arguments about order are made where they are used.
 *
 * The `Int32Array` forms serve all locks, queues and tables. They are apart from the typed forms that `Value` uses so
 * that their call sites only ever see one kind of array, which is what lets the engines inline them.
 *
 * @module
 */

/** Reads a word. */
export function load(words: Int32Array, index: number): number {
  return Atomics.load(words, index);
}

/** Writes a word. */
export function store(words: Int32Array, index: number, value: number): void {
  Atomics.store(words, index, value);
}

/** Writes a word and returns the old value. */
export function exchange(words: Int32Array, index: number, value: number): number {
  return Atomics.exchange(words, index, value);
}

/** Writes `replacement` if the word is `expected`. Returns the value found. */
export function compareExchange(words: Int32Array, index: number, expected: number, replacement: number): number {
  return Atomics.compareExchange(words, index, expected, replacement);
}

/** Adds to a word, wrapping, and returns the old value. */
export function add(words: Int32Array, index: number, value: number): number {
  return Atomics.add(words, index, value);
}

/** Clears the bits of a word that are not in `mask` and returns the old value. */
export function and(words: Int32Array, index: number, mask: number): number {
  return Atomics.and(words, index, mask);
}

/** Sets bits of a word and returns the old value. */
export function or(words: Int32Array, index: number, bits: number): number {
  return Atomics.or(words, index, bits);
}

/** Blocks while the word is `expected`, at most `ms`; only over a `SharedArrayBuffer`. */
export function wait(words: Int32Array, index: number, expected: number, ms: number): void {
  Atomics.wait(words, index, expected, ms);
}

/** Wakes up to `count` threads that sleep on the word. Returns how many. */
export function notify(words: Int32Array, index: number, count: number): number {
  return Atomics.notify(words, index, count);
}

/** A promise for the next notification of the word, or `undefined` when it already differs from `expected`. */
export function waitAsync(words: Int32Array, index: number, expected: number): Promise<unknown> | undefined {
  const outcome = Atomics.waitAsync(words, index, expected);
  return outcome.async ? outcome.value : undefined;
}

const hint: (() => void) | undefined = (Atomics as { pause?: () => void }).pause;

/** Tells the processor that this is a spin loop. */
export const pause: () => void = hint === undefined ? () => {} : () => hint();

/** Milliseconds on a clock that never goes back. */
export function now(): number {
  return performance.now();
}

/** The integer arrays that hold a {@linkcode Value}. */
export type IntegerArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** The 64-bit arrays that hold a {@linkcode Value}. */
export type BigIntegerArray = BigInt64Array | BigUint64Array;

/** The integer operations that exist for every width. */
export type IntegerOperation = "add" | "sub" | "and" | "or" | "xor" | "exchange";

/** Reads one element of any integer width. */
export function loadInteger(array: IntegerArray, index: number): number {
  return Atomics.load(array, index);
}

/** Writes one element of any integer width. */
export function storeInteger(array: IntegerArray, index: number, value: number): void {
  Atomics.store(array, index, value);
}

/** Applies an operation to one element of any integer width and returns the old value. */
export function changeInteger(array: IntegerArray, index: number, operation: IntegerOperation, value: number): number {
  return Atomics[operation](array, index, value);
}

/** Compare and exchange of any integer width. */
export function compareExchangeInteger(
  array: IntegerArray,
  index: number,
  expected: number,
  replacement: number,
): number {
  return Atomics.compareExchange(array, index, expected, replacement);
}

/** Reads one 64-bit element. */
export function loadBigInteger(array: BigIntegerArray, index: number): bigint {
  return Atomics.load(array, index);
}

/** Writes one 64-bit element. */
export function storeBigInteger(array: BigIntegerArray, index: number, value: bigint): void {
  Atomics.store(array, index, value);
}

/** Applies an operation to one 64-bit element and returns the old value. */
export function changeBigInteger(
  array: BigIntegerArray,
  index: number,
  operation: IntegerOperation,
  value: bigint,
): bigint {
  return Atomics[operation](array, index, value);
}

/** Compare and exchange of a 64-bit element. */
export function compareExchangeBigInteger(
  array: BigIntegerArray,
  index: number,
  expected: bigint,
  replacement: bigint,
): bigint {
  return Atomics.compareExchange(array, index, expected, replacement);
}
