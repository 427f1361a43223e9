/** A program whose main part is not under `import.meta.main`: its workers come to it as well. */

import { Value } from "@weft/concurrent/distributed";
import { Pool } from "@weft/concurrent/threading";

export function double(x: number): number {
  return 2 * x;
}

const value = new Value("i32", 0, { name: "unguarded" });
console.log(`added to ${await value.add(1)}`);
const pool = new Pool(1);
await pool.map(double, [1]).catch((error) => console.log(`${error}`));
console.log(`is ${await value.get()}`);
pool.terminate();
