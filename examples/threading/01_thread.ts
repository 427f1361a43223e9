/** A function on a thread of its own, and waiting for its end. */

import { Thread } from "@weft/concurrent/threading";

export function printNumbers() {
  for (let i = 0; i < 5; i++) {
    console.log(`Number: ${i}`);
  }
}

if (import.meta.main) {
  const t1 = new Thread({ target: printNumbers });
  t1.start();
  await t1.join();
}

/* Prints:
Number: 0
Number: 1
Number: 2
Number: 3
Number: 4
*/
