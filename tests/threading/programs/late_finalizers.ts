/** Tells whether finalizers drop references again that were dropped when a thread gave up all of its handles. */
import process from "node:process";
import { Event, Thread } from "@weft/concurrent/threading";
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
function open(): Event[] {
  return Array.from({ length: COUNT }, (_, i) => new Event({ name: `event ${i}` }));
}

/** Exits in a callback after which Node runs finalizers once more. */
export async function exitWithGarbage(): Promise<void> {
  open();
  // Without a timer, Node calls no finalizer.
  setInterval(() => {}, 1000);
  await turn();
  setImmediate(() => {
    collect();
    process.exit();
  });
  await new Promise(() => {});
}

if (import.meta.main) {
  let events = open();
  const places = events.map((event) => locate(event)!.at);
  const total = () => places.reduce((sum, at) => sum + load(space.words, at + 1), 0);
  const totals = [total()];
  await new Thread({ target: exitWithGarbage }).start().join();
  totals.push(total());
  events = [];
  // In a new job: the engine keeps the targets of weak references until the job that made them ends.
  await turn();
  collect();
  // They take the places of handles that are garbage, and whose finalizers are due.
  const newest = open();
  totals.push(total());
  releaseHandles(space);
  totals.push(total());
  for (let i = 0; i < 5; i++) {
    await turn();
    collect();
  }
  console.log(JSON.stringify([...totals, total(), newest.length]));
  process.exit();
}
