/** A log whose lines begin with the name of the thread that wrote them, with LogTape. */

import { configureSync, getConsoleSink, getLogger } from "@logtape/logtape";
import { currentThread, Thread } from "@weft/concurrent/threading";

// At the top of the module, so that every thread does it as it imports the module.
configureSync({
  sinks: {
    console: getConsoleSink({
      formatter: ({ message }) => [`${currentThread().name}: ${message.join("")}`],
    }),
  },
  loggers: [
    { category: "example", sinks: ["console"], lowestLevel: "debug" },
    { category: ["logtape", "meta"], sinks: ["console"], lowestLevel: "warning" },
  ],
});
const logging = getLogger("example");

export function task() {
  logging.debug("Running task");
}

if (import.meta.main) {
  const t = new Thread({ target: task });
  t.start();
  await t.join();
}

/* Prints:
Thread-1 (task): Running task
*/
