/** A program with a busy child that may do nothing. It prints the child's pid. */

import { Process } from "@weft/concurrent/multiprocessing";
import { spin } from "./_permission_targets.ts";

if (import.meta.main) {
  console.log(new Process({ target: spin, permissions: "none" }).start().pid);
}
