/**
 * All atomic operations of the library, the pause of its spin loops and the clock of its waits.
 *
 * They are in one module so that a model checker can replace it and decide after each operation which thread runs next.
 * All operations are sequentially consistent. Comments at the call sites explain which order of operations is needed.
 *
 * An atomic operation costs more than it does. V8 compiles each into a call of a builtin, which takes 6 ns before it touches
 * memory, and JavaScriptCore puts a fence behind a load, which takes 4 ns. {@linkcode peek} and {@linkcode post} are for
 * the fast paths of locks and queues, which have an atomic operation anyway.
 *
 * Most of them are the engine's own functions, without a function around them. An engine notes which kinds of arrays reach a
 * function, once for all its callers; for its own functions it does so at each call. Where only arrays of a fixed length
 * arrive, JavaScriptCore does not read the length of the buffer: see `Space.fixed`.
 *
 * The `Int32Array` forms serve all locks, queues and tables, and most kinds of `Value`. The forms for pairs of words
 * are separate functions, so that each call site sees only one kind of array: this is what lets the engines inline it.
 *
 * @module
 */

/** The part of the globals that tells the processor. `process` is read last: on Deno its first access takes milliseconds. */
const host = globalThis as {
  readonly Deno?: { readonly build: { readonly arch: string } };
  readonly process?: { readonly arch?: string };
};

/** Reads a word. */
export const load: (words: Int32Array, index: number) => number = Atomics.load;

/** Writes a word. */
export const store: (words: Int32Array, index: number, value: number) => void = Atomics.store;

/**
 * Whether a plain read and a plain write of a word have the order that {@linkcode peek} and {@linkcode post} promise. They do
 * on x86-64: it reads in order, writes in order, and an atomic operation that writes waits for all writes before it.
 */
const isOrdered: boolean = ["x86_64", "x64"].includes(host.Deno?.build.arch ?? host.process?.arch ?? "");

/**
 * Whether {@linkcode peek} is a plain read. For the smallest functions on the hottest paths, which decide that themselves, so
 * that only their own arrays count. Copy it into a constant of the module: V8 reads imported and exported constants from
 * memory each time.
 */
export const peeksPlainly: boolean = isOrdered;

/**
 * Reads a word, like {@linkcode load}, but cheaper where the processor allows it.
 *
 * A compiler may read the word once for a whole loop: JavaScriptCore does. So each turn of a loop around it needs an atomic
 * operation, over which no compiler moves a read. That holds for loops of the program, too: a function that a program may call
 * in a loop needs an atomic operation on each way through it, also where it fails.
 */
export function peek(words: Int32Array, index: number): number {
  return isOrdered ? words[index] : Atomics.load(words, index);
}

/**
 * Writes a word after all writes of this thread before it: a thread that sees this write sees those as well. It is cheaper
 * than {@linkcode store} where the processor allows it.
 *
 * Other threads may see it late, but not after the next atomic operation of this thread that writes. Before that operation,
 * this thread must not read a word that another thread writes: the read could overtake the write.
 */
export function post(words: Int32Array, index: number, value: number): void {
  if (isOrdered) words[index] = value;
  else Atomics.store(words, index, value);
}

/** Writes a word and returns the old value. */
export const exchange: (words: Int32Array, index: number, value: number) => number = Atomics.exchange;

/** Writes `replacement` if the word is `expected`. Returns the value found. */
export const compareExchange: (words: Int32Array, index: number, expected: number, replacement: number) => number =
  Atomics.compareExchange;

/** Adds to a word, wrapping, and returns the old value. */
export const add: (words: Int32Array, index: number, value: number) => number = Atomics.add;

/** Clears the bits of a word that are not in `mask` and returns the old value. */
export const and: (words: Int32Array, index: number, mask: number) => number = Atomics.and;

/** Sets bits of a word and returns the old value. */
export const or: (words: Int32Array, index: number, bits: number) => number = Atomics.or;

/** Flips the bits of a word that are set in `bits` and returns the old value. */
export const xor: (words: Int32Array, index: number, bits: number) => number = Atomics.xor;

/** Blocks while the word is `expected`, for at most `ms` milliseconds. Works only over a `SharedArrayBuffer`. */
export function wait(words: Int32Array, index: number, expected: number, ms: number): void {
  Atomics.wait(words, index, expected, ms);
}

/** Wakes up to `count` threads that sleep on the word. Returns how many it woke. */
export function notify(words: Int32Array, index: number, count: number): number {
  return Atomics.notify(words, index, count);
}

/**
 * Returns a promise that resolves when the word is notified or `ms` milliseconds have passed; `undefined` if the word
 * already differs from `expected`.
 */
export function whenChanged(
  words: Int32Array,
  index: number,
  expected: number,
  ms: number = Infinity,
): Promise<unknown> | undefined {
  const outcome = Atomics.waitAsync(words, index, expected, ms);
  return outcome.async ? outcome.value : undefined;
}

const hint: (() => void) | undefined = (Atomics as { pause?: () => void }).pause;

/** Tells the processor that this is a spin loop. */
export const pause: () => void = hint === undefined ? () => {} : () => hint();

/** Milliseconds on a clock that never goes backwards. */
export function now(): number {
  return performance.now();
}

/** Reads a pair of words. */
export function loadWide(pairs: BigInt64Array, index: number): bigint {
  return Atomics.load(pairs, index);
}

/** Writes a pair of words. */
export function storeWide(pairs: BigInt64Array, index: number, value: bigint): void {
  Atomics.store(pairs, index, value);
}

/** Writes a pair of words and returns the old value. */
export function exchangeWide(pairs: BigInt64Array, index: number, value: bigint): bigint {
  return Atomics.exchange(pairs, index, value);
}

/** Writes `replacement` if the pair of words is `expected`. Returns the value found. */
export function compareExchangeWide(
  pairs: BigInt64Array,
  index: number,
  expected: bigint,
  replacement: bigint,
): bigint {
  return Atomics.compareExchange(pairs, index, expected, replacement);
}

/** Adds to a pair of words, wrapping, and returns the old value. */
export function addWide(pairs: BigInt64Array, index: number, value: bigint): bigint {
  return Atomics.add(pairs, index, value);
}

/** Clears the bits of a pair of words that are not in `mask` and returns the old value. */
export function andWide(pairs: BigInt64Array, index: number, mask: bigint): bigint {
  return Atomics.and(pairs, index, mask);
}

/** Sets bits of a pair of words and returns the old value. */
export function orWide(pairs: BigInt64Array, index: number, bits: bigint): bigint {
  return Atomics.or(pairs, index, bits);
}

/** Flips the bits of a pair of words that are set in `bits` and returns the old value. */
export function xorWide(pairs: BigInt64Array, index: number, bits: bigint): bigint {
  return Atomics.xor(pairs, index, bits);
}
