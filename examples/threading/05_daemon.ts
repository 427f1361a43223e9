/** A thread without end that the program does not wait for. */

import { sleep, sleepSync, Thread } from "@weft/concurrent/threading";

export function background() {
  while (true) {
    console.log("Running in background...");
    sleepSync(1000);
  }
}

if (import.meta.main) {
  const daemonThread = new Thread({ target: background });
  daemonThread.daemon = true;
  daemonThread.start();

  await sleep(3000);
  console.log("Main program exits");
}

/* Prints:
Running in background...
Running in background...
/Running in background\.\.\.(\nRunning in background\.\.\.)?/
/Main program exits(\nRunning in background\.\.\.)?/
*/
