/** Where the processes begin that _children.ts starts. */

import process from "node:process";
import { attachRegion } from "../../_internal/processes/region.ts";
import * as functions from "./_functions.ts";

const [path, name, ...args] = process.argv.slice(2);
attachRegion(path);
const run = functions[name as keyof typeof functions] as (...args: string[]) => unknown;
await run(...args);
