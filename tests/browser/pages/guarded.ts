/** What works in a page with a Content-Security-Policy. */

import { Thread } from "@weft/concurrent/threading";
import { square } from "./targets.ts";

export async function exported(): Promise<number> {
  return await new Thread({ target: square, args: [3] }).start().result();
}

/** A function that no module exports is made from its source, which such a page forbids. */
export async function made(): Promise<string> {
  return await new Thread({ target: (x: number) => x + 1, args: [3] }).start().result().then(
    String,
    (error: Error) => `${error.name}: ${error.message}`,
  );
}
