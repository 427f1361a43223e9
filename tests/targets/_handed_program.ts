/** Hands a function to a thread by way of a module that the thread has no need of. */

import { thrice } from "./_handed.ts";
import { startWith } from "./_hands_on.ts";

if (import.meta.main) console.log(await startWith(thrice, [14]).result());
