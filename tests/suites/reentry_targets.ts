import type { Event, Queue } from "@weft/concurrent/sync";
import { registerSerializable } from "@weft/concurrent/threading";
import { load } from "../../_internal/atomics.ts";
import { blockWords } from "../../_internal/memory/allocator.ts";
import { firstLine, OBJECT_HEADER } from "../../_internal/memory/memory.ts";
import { locate } from "../../_internal/memory/shared_object.ts";
import type { Space } from "../../_internal/memory/space.ts";
import { GET_POINT } from "../../_internal/queue/container.ts";

let action: (() => void) | undefined;

/** Sets what the next {@linkcode Stamp} does when it is read from a message. */
export function onUnpack(next: () => void): void {
  action = next;
}

/** An instance of a class of the program, which runs code of the program when it is read from a message. */
export class Stamp {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}
registerSerializable(Stamp, {
  name: "test/stamp-reentry",
  serialize: ({ id }) => id,
  deserialize: (id) => {
    const now = action;
    action = undefined;
    now?.();
    return new Stamp(id as number);
  },
});

/** Where threads wait for an item of a queue. */
export function getPointOf(queue: Queue<never>): { space: Space; at: number; point: number } {
  const { space, at } = locate(queue)!;
  return { space, at, point: firstLine(at + OBJECT_HEADER) + GET_POINT };
}

/**
 * Blocks for an item, whose class disposes of the queue once this thread has its only handle. Returns how many words of the
 * queue's memory, which belong to another block by then, were changed afterwards.
 */
export function takeAndDispose(queue: Queue<Stamp>, alone: Event, many: boolean): number {
  const { space, at, point } = getPointOf(queue as Queue<never>);
  // A thread that was woken then registers before it looks: it is at the wait point when it takes the item.
  (space as { spins: number }).spins = 0;
  const size = blockWords(space.memory, at);
  let was = 0;
  let block = 0;
  onUnpack(() => {
    alone.waitSync();
    was = load(space.words, point);
    queue[Symbol.dispose]();
    block = space.allocate(size, "test");
    space.words.fill(was, block, block + size);
  });
  if (many) queue.getManySync(1);
  else queue.getSync();
  return space.words.subarray(block, block + size).filter((word) => word !== was).length;
}
