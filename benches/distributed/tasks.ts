/** What workers do: next to nothing, so that the price of getting it there and back is all that there is. */

import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export function increment(x: number): number {
  return x + 1;
}

export function echo(text: string): string {
  return text;
}

/** Says by a file that it has begun, and goes on until its worker is ended. */
export async function linger(file: string): Promise<void> {
  writeFileSync(file, "");
  await delay(60_000);
}
