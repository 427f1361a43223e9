/** Numbers in shared memory, beside bare atomic operations and a bare typed array. */

import { SharedArray, Value } from "@weft/concurrent/sync";
import { bench, keep } from "./_harness.ts";

const bare = new Int32Array(new SharedArrayBuffer(64));
const value = new Value("i32");
const float = new Value("f64");
const big = new Value("i64");
const LENGTH = 10_000;
const array = new SharedArray("i32", LENGTH);
const bareArray = new Int32Array(new SharedArrayBuffer(LENGTH * 4));

const group = "one number";

bench("Atomics.load + store", { group, baseline: true }, () => {
  Atomics.store(bare, 0, Atomics.load(bare, 0) + 1 | 0);
});
bench("Value of i32: read and written", { group }, () => {
  value.value = value.value + 1 | 0;
});
bench("Value of i32: add(1)", { group }, () => {
  value.add(1);
});
bench("Value of i32: compareExchange", { group }, () => {
  value.compareExchange(0, 1);
});
bench("Value of f64: read and written", { group }, () => {
  float.value = float.value + 1;
});
bench("Value of i64: read and written", { group }, () => {
  big.value = big.value + 1n;
});
bench("Value of i32: under its lock", { group }, () => {
  value.lock.acquireSync();
  value.value = value.value + 1 | 0;
  value.lock.release();
});

function sum(numbers: Int32Array): number {
  let total = 0;
  for (let i = 0; i < numbers.length; i++) total += numbers[i]!;
  return total;
}

const many = "sum of 10000 numbers";

bench("Int32Array over a SharedArrayBuffer", { group: many, baseline: true }, () => {
  keep(sum(bareArray));
});
bench("SharedArray.array", { group: many }, () => {
  keep(sum(array.array));
});
bench("SharedArray: iterated", { group: many }, () => {
  let total = 0;
  for (const number of array) total += number;
  keep(total);
});

const made = "10000 numbers made and given back";

bench("new SharedArrayBuffer", { group: made, baseline: true }, () => {
  keep(new Int32Array(new SharedArrayBuffer(LENGTH * 4)));
});
bench("new SharedArray", { group: made }, () => {
  new SharedArray("i32", LENGTH)[Symbol.dispose]();
});
