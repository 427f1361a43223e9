/** Imports a module by two URLs, which makes it two modules. */

import { where } from "./_functions.ts";
import * as again from "./_functions.ts?again";
import { run } from "./_run.ts";

export const first = () => run(where);
export const second = () => run(again.where);

/** Is not imported by any declaration. */
export const dynamic = async () => {
  const name = ["./_dynamic", "ts"].join(".");
  return await run((await import(name)).next as () => number);
};
