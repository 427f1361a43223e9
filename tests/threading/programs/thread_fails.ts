/** A thread's error and exit are its own; the program ends with its own exit code. */
import { Thread } from "@weft/concurrent/threading";
import { exitWith, fail } from "./_work.ts";

if (import.meta.main) {
  await new Thread({ target: fail, name: "failing" }).start().join();
  await new Thread({ target: exitWith, args: [7] }).start().join();
  console.log("main ends");
}
