/** Gives up all handles, as a thread that ends does, and tells whether finalizers that run after that drop references again. */
import { Event } from "@weft/concurrent/threading";
import { load } from "../../../_internal/atomics.ts";
import { locate, releaseHandles } from "../../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";

const COUNT = 100;

const space = spaceOf("thread");

function collect(): void {
  const { Bun, gc } = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  if (Bun === undefined) gc!();
  else Bun.gc(true);
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 10));

// Named objects, which keep a reference of their own forever.
function open(): number[] {
  return Array.from({ length: COUNT }, (_, i) => locate(new Event({ name: `event ${i}` }))!.at);
}

if (import.meta.main) {
  const events = open();
  const total = () => events.reduce((sum, at) => sum + load(space.words, at + 1), 0);
  const before = total();
  // In a new job: the engine keeps the targets of weak references until the job that made them ends.
  await turn();
  collect();
  releaseHandles(space);
  const released = total();
  for (let i = 0; i < 5; i++) {
    await turn();
    collect();
  }
  console.log(JSON.stringify([before, released, total()]));
}
