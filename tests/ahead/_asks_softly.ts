/** As _asks.ts, and goes on where it is not told. */

import { ownName } from "./_who.ts";

let name = "none";
try {
  name = ownName();
} catch {
  // Then it has no name.
}

/** What it was told. */
export function nameAtTop(): string {
  return name;
}
