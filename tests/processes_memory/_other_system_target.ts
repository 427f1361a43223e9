import type { Queue } from "@weft/concurrent/sync";

/** Runs in a thread. */
export function answer(queue: Queue<string>): void {
  queue.putSync("here");
}
