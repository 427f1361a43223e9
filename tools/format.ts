/**
 * Formats everything, or only checks: `deno task fmt`, `deno task fmt --check`.
 */

import { parseArgs } from "node:util";
import { findDprint, ROOT } from "./_install.ts";
import { run } from "./_run.ts";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const { code, output } = await run([await findDprint(), values.check ? "check" : "fmt"], { cwd: ROOT, limit: 120_000 });
console.log(output);
Deno.exit(code);
