/** A program without a guard, whose own variable is called as the function that another module hands to a thread. */

import { inThread } from "./_named_twice_caller.ts";

const thriceMore = await inThread(14);
console.log(thriceMore);
