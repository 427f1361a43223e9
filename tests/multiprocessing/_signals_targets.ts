/** Tasks that are under way when a signal comes. */

import type { Event } from "@weft/concurrent/multiprocessing";

export function busy(begun: Event, goOn: Event): string {
  begun.set();
  while (!goOn.isSet);
  return "busy";
}

export async function idle(begun: Event, goOn: Event): Promise<string> {
  begun.set();
  await goOn.wait();
  return "idle";
}
