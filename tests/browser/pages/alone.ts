/** What a page sees that is not cross-origin isolated: every module is imported, and nothing has shared memory. */

import {
  Event,
  Lock,
  NotSupportedError,
  Pool,
  Queue,
  RLock,
  Semaphore,
  Thread,
  Value,
} from "@weft/concurrent/threading";
import * as multiprocessing from "@weft/concurrent/multiprocessing";
import { add } from "./targets.ts";

/** The error of each first use, as its name and message. */
export async function errors(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const first: Record<string, () => unknown> = {
    Lock: () => new Lock(),
    RLock: () => new RLock(),
    Semaphore: () => new Semaphore(),
    Event: () => new Event(),
    Value: () => new Value("i32"),
    Queue: () => new Queue(),
    Thread: () => new Thread({ target: add, args: [1, 2] }).start(),
    Pool: () => new Pool(1).map(add as never, [1]),
    Process: () => new multiprocessing.Process({ target: add, args: [1, 2] }).start(),
  };
  for (const [name, use] of Object.entries(first)) {
    try {
      await use();
      found[name] = "no error";
    } catch (error) {
      found[name] = `${error instanceof NotSupportedError} ${(error as Error).message}`;
    }
  }
  return found;
}
