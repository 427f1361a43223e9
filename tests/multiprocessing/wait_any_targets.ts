import type { Event, Queue } from "@weft/concurrent/multiprocessing";
import { type Event as ThreadEvent, sleepSync } from "@weft/concurrent/threading";

/** Puts one item when the event is set. */
export function putWhenSet(queue: Queue<string>, go: Event): void {
  go.waitSync();
  queue.putSync("item");
}

/** Sets an event of threads after a while in which others fall asleep. */
export function setLater(event: ThreadEvent): void {
  sleepSync(20);
  event.set();
}
