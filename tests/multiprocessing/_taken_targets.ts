/** What the process of taken_test.ts does, and what holds it up in the midst of reading a message. */

import { type Connection, Event, type Queue, registerSerializable } from "@weft/concurrent/multiprocessing";

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
