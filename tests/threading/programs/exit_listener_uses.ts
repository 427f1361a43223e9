/** Uses shared objects in listeners of the exits of threads. They have left the memory by then. */
import process from "node:process";
import {
  currentThread,
  Event,
  InvalidStateError,
  Lock,
  Pool,
  Queue,
  sleep,
  Thread,
  Value,
} from "@weft/concurrent/threading";
import { add } from "../../../_internal/atomics.ts";
import { OBJECT_HEADER } from "../../../_internal/memory/memory.ts";
import { locate } from "../../../_internal/memory/shared_object.ts";
import { spaceOf } from "../../../_internal/memory/space.ts";

export function lengthOf(text: string): number {
  return text.length;
}

export async function end(way: string, given: Queue<string>, running: Event, heard: Value<"i32">): Promise<void> {
  const { words } = spaceOf("thread");
  // Not by the handle, which cannot be used when the thread has ended.
  const count = locate(heard)!.at + OBJECT_HEADER;
  const older = new Queue<string>({ name: "log" });
  const newer = new Queue<string>({ name: "log" });
  const pool = new Pool(1);
  await pool.submit(lengthOf, "");
  const uses: Record<string, () => unknown> = {
    "a queue from args": () => given.putSync("late"),
    "the older handle of a name": () => older.putSync("late"),
    "the newer handle of a name": () => newer.putSync("late"),
    "a name": () => new Queue<string>({ name: "log" }).putSync("late"),
    "a new lock": () => new Lock(),
    "a pool": () => pool.submit(lengthOf, "x".repeat(50_000)),
    "the thread": () => currentThread(),
  };
  const listener = (): void => {
    const refused = Object.entries(uses).filter(([, use]) => {
      try {
        use();
        return false;
      } catch (error) {
        return error instanceof InvalidStateError && error.message.includes("thread has ended");
      }
    });
    console.log(`${way}: refused ${refused.map(([what]) => what).join(", ")}`);
    add(words, count, 1);
  };
  if ("Deno" in globalThis) globalThis.addEventListener("unload", listener);
  else process.on("exit", listener);
  if (way === "exits") process.exit(3);
  if (way === "is told to end") {
    running.set();
    await new Event().wait();
  }
}

if (import.meta.main) {
  const given = new Queue<string>();
  const running = new Event();
  const heard = new Value("i32");
  const ways = ["returns", "exits", "is told to end"];
  for (const [i, way] of ways.entries()) {
    const thread = new Thread({ target: end, args: [way, given, running, heard] }).start();
    if (way === "is told to end") {
      await running.wait();
      thread.terminate();
    }
    await thread.join();
    // The listener runs after the end of the thread.
    while (heard.value <= i) await sleep(5);
  }
  console.log(`items: ${given.size + new Queue({ name: "log" }).size}`);
}
