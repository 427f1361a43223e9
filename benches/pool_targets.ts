/** What the pools of the benchmarks run. */

export function square(x: number): number {
  return x * x;
}

export function echo<T>(value: T): T {
  return value;
}

export function lengthOf(buffer: ArrayBuffer): number {
  return buffer.byteLength;
}

/** Some hundred milliseconds of square roots. */
export function compute(_: number): number {
  let sum = 0;
  for (let i = 0; i < 20_000_000; i++) sum += Math.sqrt(12345 + i);
  return sum;
}
