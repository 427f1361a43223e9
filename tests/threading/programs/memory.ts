/** Starts and joins many threads and tells how memory grew. */
import process from "node:process";
import { Event, Thread } from "@weft/concurrent/threading";
import { spaceOf } from "../../../_internal/memory/space.ts";

export function work(event: Event, list: number[]): { list: number[]; event: Event } {
  return { list, event };
}

const list = Array.from({ length: 1_000 }, (_, i) => i);

async function round(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const event = new Event();
    const thread = new Thread({ target: work, args: [event, list] }).start();
    if (i % 2 === 0) await thread.join();
    else await thread.result();
    event[Symbol.dispose]();
    if (i % 25 === 24) await collect();
  }
}

// Handles go with the collector, and what they hold with them.
async function collect(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    (globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } }).Bun?.gc(true);
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

if (import.meta.main) {
  const space = spaceOf("thread");
  const usage = () => ({ rss: process.memoryUsage().rss, shared: space.available() });
  await round(50);
  const before = usage();
  await round(400);
  const after = usage();
  console.log(JSON.stringify({ rss: after.rss - before.rss, shared: before.shared - after.shared }));
}
