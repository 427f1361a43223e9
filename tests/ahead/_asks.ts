/** Asks at its top level which thread or process imports it. */

import { ownName } from "./_who.ts";

const name = ownName();

/** What it was told. */
export function nameAtTop(): string {
  return name;
}
