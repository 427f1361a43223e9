/** What a page of a browser sees of `sync`: a document, and neither Deno nor Bun nor Node. */

for (const name of ["Deno", "Bun", "process"]) delete (globalThis as Record<string, unknown>)[name];
(globalThis as Record<string, unknown>).document = {};

const { Event, Lock, Queue, sleepSync, waitAnySync } = await import("@weft/concurrent/sync");

function outcome(call: () => unknown): string {
  try {
    return String(call());
  } catch (error) {
    return (error as Error).name;
  }
}

const lock = new Lock();
const guard = lock.acquireSync();
console.log(outcome(() => lock.acquireSync({ timeout: 50 })));
console.log(outcome(() => new Event().waitSync()));
console.log(outcome(() => new Queue().getSync()));
console.log(outcome(() => sleepSync(5)));
console.log(outcome(() => waitAnySync([new Event()])));
guard[Symbol.dispose]();
const waiting = lock.acquire();
(await waiting)[Symbol.dispose]();
console.log(lock.locked);
