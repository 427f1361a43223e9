/** Forgets `if (import.meta.main)`. */
import { Thread } from "@weft/concurrent/threading";

export function work(): void {
  console.log("worked");
}

const thread = new Thread({ target: work }).start();
await thread.join();
console.log("main ends");
