/** Imports every entry point and uses nothing. */

import * as all from "@weft/concurrent";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import * as sync from "@weft/concurrent/sync";
import * as threading from "@weft/concurrent/threading";

console.log(
  all.threading.Thread === threading.Thread,
  all.multiprocessing.Lock === multiprocessing.Lock,
  typeof sync.Lock,
);
