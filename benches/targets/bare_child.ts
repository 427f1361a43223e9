/** A child of `child_process.fork` that sends back what it gets. */

import process from "node:process";

process.on("message", (message) => process.send!(message));
