/** Counts how often threads that end give memory back under an id that is no participant any more. */
import { Event, Thread, Value } from "@weft/concurrent/threading";
import { add } from "../../../_internal/atomics.ts";
import { OBJECT_HEADER } from "../../../_internal/memory/memory.ts";
import { isAlive } from "../../../_internal/memory/participants.ts";
import { locate } from "../../../_internal/memory/shared_object.ts";
import { Space, spaceOf } from "../../../_internal/memory/space.ts";

export function makeEvent(): Event {
  return new Event();
}

/** Starts a thread, and leaves its result, which has an object, to be freed when both have ended. */
export function leaveResult(dead: Value<"i32">): void {
  const { free } = Space.prototype;
  const { words } = spaceOf("thread");
  // Not by the handle, which cannot be used when the thread has ended.
  const count = locate(dead)!.at + OBJECT_HEADER;
  Space.prototype.free = function (at): void {
    if (!isAlive(this.memory, this.id)) add(words, count, 1);
    free.call(this, at);
  };
  new Thread({ target: makeEvent }).start().joinSync();
}

if (import.meta.main) {
  const dead = new Value("i32");
  for (let i = 0; i < 5; i++) await new Thread({ target: leaveResult, args: [dead] }).start().join();
  // A thread frees what is left after it has returned. The last one has time for that while another starts.
  await new Thread({ target: makeEvent }).start().join();
  console.log(`freed by the dead: ${dead.value}`);
}
