/** What the process of taken_test.ts does, and what holds it up in the midst of reading a message. */

import { type Connection, Event, type Lock, type Queue, registerSerializable } from "@weft/concurrent/multiprocessing";

/** Is never read to its end. */
export class Trap {
  readonly is = true;
}

registerSerializable(Trap, {
  name: "Trap of processes",
  serialize: () => 0,
  deserialize: () => {
    new Event({ name: "in the trap" }).set();
    new Event({ name: "out of the trap" }).waitSync();
    return new Trap();
  },
});

export function get(queue: Queue<unknown>): void {
  queue.getSync();
}

export function receive(connection: Connection): void {
  connection.recvSync();
}

/** Sends until there is no room, and waits for it. */
export function sendUntilFull(connection: Connection, lock: Lock, bytes: number): void {
  for (;;) connection.sendSync([lock, "x".repeat(bytes)]);
}

/** Waits to put an end of a pipe into a full queue, and holds it no more. */
export async function closeThenPut(queue: Queue<unknown>, connection: Connection): Promise<void> {
  connection.sendSync("I put it");
  const put = queue.put(connection);
  connection.close();
  await put;
}

/** Takes an end of a pipe out of a queue, and puts it into another. Then it waits until it is killed. */
export function putOn(from: Queue<Connection>, to: Queue<Connection>): void {
  const connection = from.getSync();
  to.putSync(connection);
  connection.sendSync("it is on its way");
  connection.close();
  new Event().waitSync();
}
