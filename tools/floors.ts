/**
 * `deno task ok floors`: imports run downwards only. No module imports a module of a floor above its own, and no modules import
 * one another in a circle. Types count as well: reading a module means reading the modules that it names.
 *
 *     deno run -A --no-check tools/floors.ts
 */

import { FLOORS, misbuilt, sourceFiles } from "./_house.ts";

const problems = misbuilt();
for (const problem of problems) console.error(problem);
console.log(`${sourceFiles().length} modules on ${FLOORS.length} floors, ${problems.length} misbuilt`);
if (problems.length > 0) Deno.exit(1);
