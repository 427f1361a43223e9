/** The tasks of the workers: next to nothing, so that only the way there and back costs time. */

import { writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export function increment(x: number): number {
  return x + 1;
}

export function echo(text: string): string {
  return text;
}

/** Reports with a file that it has begun, and goes on until its worker is ended. */
export async function linger(file: string): Promise<void> {
  writeFileSync(file, "");
  await delay(60_000);
}
