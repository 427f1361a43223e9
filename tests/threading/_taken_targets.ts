/** What the thread of taken_test.ts does, and what holds it up in the midst of reading a message. */

import { registerSerializable } from "@weft/concurrent/sync";
import { Event, type Queue } from "@weft/concurrent/threading";

/** Is never read to its end. */
export class Trap {
  readonly is = true;
}

/** The same, with an item of another queue that is read meanwhile. */
export class Nest {
  readonly is = true;
}

registerSerializable(Trap, {
  name: "Trap of threads",
  serialize: () => 0,
  deserialize: () => {
    new Event({ name: "in the trap" }).set();
    new Event({ name: "out of the trap" }).waitSync();
    return new Trap();
  },
});

/** Cannot be read. */
export class Thrower {
  readonly is = true;
}

registerSerializable(Thrower, {
  name: "Thrower of threads",
  serialize: () => 0,
  deserialize: () => {
    throw new TypeError("cannot be read");
  },
});

let inner: Queue<unknown>;

registerSerializable(Nest, {
  name: "Nest of threads",
  serialize: () => 0,
  deserialize: () => {
    inner.getSync();
    return new Nest();
  },
});

export function get(queue: Queue<unknown>, other: Queue<unknown>): void {
  inner = other;
  queue.getSync();
}
