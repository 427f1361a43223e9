/** Hands over a function that uses an enum. */

import { run } from "./_run.ts";

export function enumeration(): Promise<unknown> {
  const enum Color {
    Red = 7,
  }
  return run(() => Color.Red);
}
