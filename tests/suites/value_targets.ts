import type { Queue, SharedArray, Value } from "@weft/concurrent/threading";

/** Adds one, `times` times. */
export function addOne(
  value: Value<"i32"> | Value<"i8"> | Value<"u16"> | Value<"f32"> | Value<"f64">,
  times: number,
): void {
  const counter = value as Value<"i32">;
  for (let i = 0; i < times; i++) counter.add(1);
}

/** The same for numbers of 64 bits. */
export function addOneWide(value: Value<"i64"> | Value<"u64">, times: number): void {
  const counter = value as Value<"i64">;
  for (let i = 0; i < times; i++) counter.add(1n);
}

/** Increments under the value's lock, `times` times. */
export function incrementLocked(value: Value<"i32">, times: number): void {
  for (let i = 0; i < times; i++) {
    using _guard = value.lock.acquireSync();
    value.value += 1;
  }
}

/** Writes one of two numbers whose halves must not be mixed, until the flag is set. */
export function flicker(value: Value<"f64">, wide: Value<"i64">, stop: Value<"bool">, odd: boolean): void {
  while (!stop.value) {
    value.value = odd ? 1.1e300 : -7.7e-200;
    wide.value = odd ? 0x11111111_22222222n : -0x33333333_44444444n;
  }
}

/** Numbers of 64 bits, and a number of 32 bits, written at one moment. */
export interface Numbers {
  i64: Value<"i64">;
  u64: Value<"u64">;
  f64: Value<"f64">;
  i32: Value<"i32">;
  array: SharedArray<"f64">;
}

/** Adds one to each of the numbers that arrive, until there are no more, and answers each time. */
export function addToAllThatCome(numbers: Queue<Numbers>, answers: Queue<string>): void {
  for (let shut = false; !shut;) {
    const { i64, u64, f64, i32, array } = numbers.getSync();
    i64.add(1n);
    u64.add(1n);
    f64.add(1);
    array.array[0] += 1;
    shut = i32.add(1) === -1;
    answers.putSync(`${i64.value} ${u64.value} ${f64.value} ${array.array[0]}`);
  }
}

/** The value, and what it becomes. */
export function readAndSet(value: Value<"u32">, next: number): number {
  return value.exchange(next);
}

/** Adds one to each element, under the array's lock. */
export function addToAll(array: SharedArray<"f64">, times: number): void {
  for (let i = 0; i < times; i++) {
    using _guard = array.lock.acquireSync();
    for (let j = 0; j < array.length; j++) array.array[j] += 1;
  }
}

/** The sum of an array of bigints. */
export function sumWide(array: SharedArray<"u64">): bigint {
  let sum = 0n;
  for (const element of array) sum += element;
  return sum;
}
