import { type Event, sleep, sleepSync } from "@weft/concurrent/threading";

/** Sleeps until it is killed. */
export function sleepForEver(asleep: Event): void {
  asleep.set();
  sleepSync(Infinity);
}

/** The same without blocking. */
export async function sleepForEverAsync(asleep: Event): Promise<void> {
  asleep.set();
  await sleep(2 ** 40);
}

/** Ends by itself, later. */
export async function sleepAndReturn(ms: number): Promise<string> {
  await sleep(ms);
  return "slept";
}
