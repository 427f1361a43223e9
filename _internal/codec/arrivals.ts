/**
 * What has to be done when values have arrived in a thread, before its program gets them.
 *
 * A function that came along with a value is found by importing its module, which takes the event loop. A thread that
 * has begun its target may block at once, so this is the moment.
 *
 * @module
 */

let arriving: (() => Promise<void>)[] | undefined;

/** Calls `decode`, and waits for what the values that it makes need. */
export async function arrive<T>(decode: () => T): Promise<T> {
  const outer = arriving;
  const preparations: (() => Promise<void>)[] = arriving = [];
  let values: T;
  try {
    values = decode();
  } finally {
    arriving = outer;
  }
  for (const prepare of preparations) await prepare();
  return values;
}

/** Has `prepare`, which throws nothing, done before the program gets the values that arrive now, if any do. */
export function onArrival(prepare: () => Promise<void>): void {
  arriving?.push(prepare);
}
