/** What the processes of the benchmarks do. */

import type { Barrier, Connection, Event, SharedArray } from "@weft/concurrent/multiprocessing";

/** Sends everything back, until there is nothing more. */
export function echo(connection: Connection): void {
  connection.sendSync("ready");
  for (let message = connection.recvSync(); message !== null; message = connection.recvSync()) {
    connection.sendSync(message);
  }
}

/** Takes so many byte messages. */
export function takeBytes(connection: Connection, count: number): void {
  connection.sendSync("ready");
  for (let i = 0; i < count; i++) connection.recvBytesSync();
  connection.sendSync("done");
}

/** Adds up so many words in turns: whoever finds it even, or odd, adds one. */
export function turns(words: SharedArray<"i32">, times: number, end: Barrier): void {
  const { array } = words;
  for (let i = 0; i < times; i++) {
    while (Atomics.load(array, 0) !== 2 * i + 1) continue;
    Atomics.store(array, 0, 2 * i + 2);
  }
  end.waitSync();
}

/** Reads the last number of an array as soon as there is a word to. */
export function readLast(numbers: SharedArray<"f64">, go: Event, connection: Connection): void {
  connection.sendSync("ready");
  go.waitSync();
  const begin = performance.now();
  const { array } = numbers;
  const last = array[array.length - 1];
  connection.sendSync([last, performance.now() - begin]);
}
