/**
 * `deno task demo`: packs the library and serves examples/browser/, a page with threads. Prints its address.
 *
 *     deno task demo [--port=8000]
 */

import { parseArgs } from "node:util";
import { install } from "./_install.ts";
import { servePages } from "./_page_server.ts";
import { pack } from "./pack.ts";

const { values } = parseArgs({ options: { port: { type: "string", default: "0" } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 0 || port > 65_535) {
  throw new RangeError(`Cannot serve the demo as 'port' must be a port's number: received ${values.port}`);
}
await install();
await pack();
console.log(`Threads in a page: ${servePages("examples/browser", { port }).url}`);
