/** A class whose `run()` is what its thread does. */

import { Thread } from "@weft/concurrent/threading";

export class MyThread extends Thread {
  override run() {
    for (let i = 0; i < 5; i++) {
      console.log(`MyThread ${i}`);
    }
  }
}

if (import.meta.main) {
  const thread = new MyThread();
  thread.start();
  await thread.join();
}

/* Prints:
MyThread 0
MyThread 1
MyThread 2
MyThread 3
MyThread 4
*/
