/** Fills a small memory with arrays and then with items. */

import { configure, Queue, SharedArray } from "../../multiprocessing/mod.ts";

configure({ memory: 8 * 2 ** 20 });
const queue = new Queue<Uint8Array>();
try {
  const arrays: SharedArray[] = [];
  for (;;) arrays.push(new SharedArray("u8", 2 ** 20));
} catch (error) {
  console.log(String(error));
}
let items = 0;
for (;;) {
  try {
    queue.putSync(new Uint8Array(20_000));
    items++;
  } catch (error) {
    console.log((error as Error).name, "needed" in (error as object), "available" in (error as object));
    break;
  }
}
console.log("items", items);
for (let i = 0; i < items; i++) queue.getSync();
for (let i = 0; i < items; i++) queue.putSync(new Uint8Array(20_000));
console.log("done");
