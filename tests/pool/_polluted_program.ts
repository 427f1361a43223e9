/** A program that adds a property to Object.prototype, here and in its workers: `PROGRAM KEY VALUE KIND`. */

import process from "node:process";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as threading from "@weft/concurrent/threading";

const [key, value, kind] = process.argv.slice(2);
if (key !== undefined) Object.assign(Object.prototype, { [key]: JSON.parse(value!) });

if (import.meta.main) {
  const { Pool, Queue } = kind === "thread" ? threading : multiprocessing;
  const queue = new Queue<number>();
  const other = new Queue<string>();
  other.putSync("other");
  queue.putSync(1);
  const pool = new Pool(1);
  const results = [
    await queue.get(),
    await pool.submit((x: number) => x + 1, 1),
    ...await pool.map((x: number) => x, [3]),
  ];
  pool.close();
  await pool.join();
  console.log(...results);
}
