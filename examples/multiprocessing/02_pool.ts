/** A list worked off by four processes, the results in the list's order. */

import { Pool } from "@weft/concurrent/multiprocessing";

export function square(x: number) {
  return x * x;
}

if (import.meta.main) {
  await using p = new Pool(4);
  const results = await p.map(square, [1, 2, 3, 4, 5]);
  console.log(`[${results.join(", ")}]`);
}

/* Prints:
[1, 4, 9, 16, 25]
*/
